/** What is done once the address has come, where it has gone again. The rest: duty.test.ts, and the lab. */
import { expect, test, vi } from 'vitest';
import { takeOver } from '../../../src/agent/ha/takeover.ts';
import { systemClock } from '../../../src/sys/clock.ts';

const parts = (announced: () => void) => ({
  announce: announced,
  peers: () => Promise.resolve([]),
  call: vi.fn(() => Promise.resolve()),
  settle: () => Promise.resolve(),
  failed: vi.fn(),
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

/** Time that passes with each look at it. */
const quickClock = () => {
  let now = 0;
  return { ...systemClock, now: () => now, monotonic: () => (now += 500) };
};

test('clients that could not be called are called again', async () => {
  const settle = vi.fn(() => Promise.resolve());
  const call = vi.fn(() =>
    call.mock.calls.length < 3 ? Promise.reject(new Error('wg: busy')) : Promise.resolve(),
  );
  const all = {
    ...parts(() => undefined),
    call,
    settle,
    peers: () => Promise.resolve([{ publicKey: 'k', receivedBytes: call.mock.calls.length < 3 ? 0 : 148 }]),
    clock: quickClock(),
  };
  const gone = new AbortController();
  const outcome = await takeOver(new Map([['k', '198.51.100.1:1']]), all, gone.signal);
  gone.abort();
  expect(outcome).toMatchObject({ clients: 1, back: 1 });
  expect([call.mock.calls.length, settle.mock.calls.length, all.failed.mock.calls.length]).toEqual([3, 1, 1]);
});

test('of a call that was half made nobody goes on calling, and the switch is told of all the same', async () => {
  const settle = vi.fn(() => Promise.reject(new Error('wg: busy')));
  const all = {
    ...parts(() => undefined),
    call: vi.fn(() => Promise.reject(new Error('wg: interrupted'))),
    settle,
    clock: quickClock(),
  };
  const gone = new AbortController();
  const outcome = await takeOver(new Map([['k', '198.51.100.1:1']]), all, gone.signal);
  gone.abort();
  expect(outcome).toMatchObject({ clients: 1, back: 0 });
  expect(settle).toHaveBeenCalledOnce();
  expect(all.failed).toHaveBeenCalledTimes(2);
});
