/** A shell on the device, through its tunnel: what it is asked to do, and what its terminal showed. */
import { stripVTControlCharacters } from 'node:util';
import type { Client } from '../../../client/client.ts';
import type { Device } from '../../../protocol/device.ts';
import { BorealisError } from '../../../protocol/errors.ts';
import { plainLines } from '../../manner/plain.ts';
import type { Steps } from './steps.ts';

export interface ShownShell {
  readonly id: string;
  /** What the terminal showed. */
  readonly output: string;
  readonly exit_code: number | null;
}

const TYPED = 'hostname; ip -brief -4 address; exit\r';
/** The longest that a login shell may take to start, and to do that. */
const PATIENCE_MS = 30_000;

/** Null where there can be none, which is said. */
export const showShell = async (client: Client, device: Device, steps: Steps): Promise<ShownShell | null> => {
  steps.begin('A shell');
  try {
    const shell = await client.call('shell.create', {
      device: device.guid,
      cols: 100,
      rows: 30,
      term: 'dumb',
    });
    steps.say('A login shell at the other end of the tunnel; what is typed, and what it shows:');
    const patience = AbortSignal.timeout(PATIENCE_MS);
    const terminal = await client.terminal(
      'shell.attach',
      { shell: shell.id, cols: 100, rows: 30 },
      patience,
    );
    let shown = '';
    let typed = false;
    let exitCode: number | null = null;
    for await (const message of terminal.messages()) {
      if (!Buffer.isBuffer(message)) {
        if (message.type === 'ended') exitCode = message.exit_code;
        continue;
      }
      shown += message.toString('utf8');
      // Once it has said anything, which is its prompt.
      if (!typed && stripVTControlCharacters(shown).trim() !== '')
        typed = terminal.type(Buffer.from(TYPED)) || true;
    }
    if (patience.aborted) throw new BorealisError('TIMED_OUT', { detail: 'The shell did not end.' });
    const output = plainLines(stripVTControlCharacters(shown)).trim();
    steps.lines(output.split('\n').map((line) => `${steps.out.paint('dim', '│')} ${line}`));
    steps.say(`It was recorded: borealisctl session replay ${shell.id}`);
    return { id: shell.id, output, exit_code: exitCode };
  } catch (error) {
    if (!(error instanceof BorealisError)) throw error;
    steps.records.pop();
    steps.say(`Left out: ${error.message} ${error.next}`);
    return null;
  }
};
