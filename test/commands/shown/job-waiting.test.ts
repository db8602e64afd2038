import { expect, test } from 'vitest';
import { Client } from '../../../src/client/client.ts';
import { Output } from '../../../src/commands/manner/output.ts';
import { tellWaiting } from '../../../src/commands/shown/job-waiting.ts';
import type { Device } from '../../../src/protocol/device.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import type { Job } from '../../../src/protocol/job.ts';

/** Answers as told, one after another. */
class Told extends Client {
  readonly answers: (() => Device['state'])[];
  constructor(...answers: (() => Device['state'])[]) {
    super('/nonexistent/told');
    this.answers = answers;
  }
  override async call<N extends never>(): Promise<N> {
    const answer = this.answers.shift();
    if (!answer) throw new Error('asked too often');
    return { guid: 'g', name: 'away', state: answer() } as N;
  }
}

const said = async (client: Client): Promise<string[]> => {
  const notes: string[] = [];
  const terminal = { width: 80, height: 24, interactive: false, color: {}, progress: false, canAsk: false };
  const out = new Output({ json: false, quiet: false, terminal: terminal as never });
  out.note = (text) => void notes.push(text);
  const job = { id: 'j', expires_at: new Date().toISOString() } as Job;
  const { signal } = new AbortController();
  await tellWaiting(
    { client, out },
    { job, queued: new Set(['g']), onInterrupt: 'cancel', signal, begunMs: 1 },
  );
  return notes;
};

const lost = (): never => {
  throw new BorealisError('TIMED_OUT');
};

test('a question that the engine does not answer is asked again', async () => {
  expect(await said(new Told(lost, lost, () => 'offline'))).toEqual([
    expect.stringMatching(/^away is offline: the command waits, and expires .*Ctrl-C cancels it\.$/),
  ]);
});

test('a device of which the engine learns later that it is gone is waited for, which is said then', async () => {
  expect(
    await said(
      new Told(
        () => 'online',
        () => 'offline',
      ),
    ),
  ).toHaveLength(1);
});
