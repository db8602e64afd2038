/** What is done once the address has come, where it has gone again. The rest: duty.test.ts, and the lab. */
import { expect, test, vi } from 'vitest';
import { takeOver } from '../../../src/agent/ha/takeover.ts';
import { systemClock } from '../../../src/sys/clock.ts';

const parts = (announced: () => void) => ({
  announce: announced,
  peers: () => Promise.resolve([]),
  call: vi.fn(() => Promise.resolve()),
  settle: () => Promise.resolve(),
  clock: systemClock,
});

test('an address that is gone before its clients are called is never announced', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    let announced = 0;
    const all = parts(() => {
      announced += 1;
    });
    const outcome = await takeOver(new Map([['k', '198.51.100.1:1']]), all, AbortSignal.abort());
    vi.advanceTimersByTime(60_000);
    expect(outcome).toMatchObject({ clients: 1, back: 0 });
    expect(announced).toBe(0);
    expect(all.call).not.toHaveBeenCalled();
  } finally {
    vi.useRealTimers();
  }
});

test('one that goes while it is announced is announced no more', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    let announced = 0;
    const gone = new AbortController();
    await takeOver(
      new Map(),
      parts(() => {
        announced += 1;
      }),
      gone.signal,
    );
    vi.advanceTimersByTime(300);
    const before = announced;
    gone.abort();
    vi.advanceTimersByTime(60_000);
    expect(before).toBe(3);
    expect(announced).toBe(before);
  } finally {
    vi.useRealTimers();
  }
});

test('clients are called, and are no longer once they are back, though a look at them fails', async () => {
  let looks = 0;
  const settle = vi.fn(() => Promise.resolve());
  const all = {
    ...parts(() => undefined),
    peers: () => {
      looks += 1;
      if (looks < 3) return Promise.reject(new Error('wg: interrupted'));
      return Promise.resolve([{ publicKey: 'k', receivedBytes: 148 }]);
    },
    settle,
  };
  const gone = new AbortController();
  const outcome = await takeOver(new Map([['k', '198.51.100.1:1']]), all, gone.signal);
  gone.abort();
  expect(outcome).toMatchObject({ clients: 1, back: 1 });
  expect(all.call).toHaveBeenCalledOnce();
  expect(settle).toHaveBeenCalledOnce();
});
