/** For streams that last as long as a tunnel does. */
import type { Tunnels } from './tunnels.ts';

/** True once the session of the device is over, false where the caller hangs up before. */
export const whenOver = (
  tunnels: Pick<Tunnels, 'onChange'>,
  guid: string,
  signal: AbortSignal,
): Promise<boolean> =>
  new Promise((resolve) => {
    const done = (over: boolean): void => {
      unsubscribe();
      resolve(over);
    };
    const unsubscribe = tunnels.onChange((changed, session) => {
      if (changed === guid && !session) done(true);
    });
    if (signal.aborted) done(false);
    else signal.addEventListener('abort', () => done(false), { once: true });
  });
