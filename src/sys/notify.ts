/** Tells systemd how this process is: READY, STATUS, STOPPING, WATCHDOG. Protocol: sd_notify(3), sd_watchdog_enabled(3). */
import { openNotifySocket } from './notify.linux.ts';

export interface Notifier {
  /** True where a service manager listens. */
  readonly enabled: boolean;
  /** Start-up is finished. */
  ready(): void;
  /** One line about what is being done, for `systemctl status`. */
  status(text: string): void;
  stopping(): void;
  /**
   * From now on says twice per watchdog period that the process lives, as long as `isAlive` does: where it answers
   * false or throws, nothing is said, and the service manager restarts the process. Does nothing where no watchdog is set.
   * Called again, it asks the newest.
   */
  startWatchdog(isAlive: () => boolean): void;
  close(): void;
}

type Environment = Record<string, string | undefined>;

/**
 * Without NOTIFY_SOCKET all of it does nothing. The variables are taken out of `env`, so that no child process speaks
 * in our name. Errors: COMMAND_FAILED from `ready` where the message cannot be delivered; the others are best effort.
 */
export const createNotifier = (env: Environment): Notifier => {
  const { NOTIFY_SOCKET: address, WATCHDOG_USEC: period, WATCHDOG_PID: watched } = env;
  delete env.NOTIFY_SOCKET;
  delete env.WATCHDOG_USEC;
  delete env.WATCHDOG_PID;
  // "/path", or "@name" in the abstract namespace; vsock is for whole virtual machines.
  if (!address || !/^[/@]./.test(address)) return silent;

  const socket = openNotifySocket(address);
  let timer: NodeJS.Timeout | undefined;
  return {
    enabled: true,
    ready: () => socket.send('READY=1'),
    status: (text) => void socket.trySend(`STATUS=${text.replace(/\s+/g, ' ')}`),
    stopping: () => void socket.trySend('STOPPING=1'),
    startWatchdog: (isAlive) => {
      const every = watchdogInterval(period, watched);
      if (every === null) return;
      clearInterval(timer);
      const tell = () => {
        if (alive(isAlive)) socket.trySend('WATCHDOG=1');
      };
      tell();
      timer = setInterval(tell, every);
      timer.unref();
    },
    close: () => {
      clearInterval(timer);
      socket.close();
    },
  };
};

const silent: Notifier = {
  enabled: false,
  ready: () => {},
  status: () => {},
  stopping: () => {},
  startWatchdog: () => {},
  close: () => {},
};

const alive = (isAlive: () => boolean): boolean => {
  try {
    return isAlive();
  } catch {
    return false; // what cannot answer is not well; silence is how the watchdog is told
  }
};

/** Milliseconds between two signs of life: half the period. Null where no watchdog waits for this process. */
const watchdogInterval = (period: string | undefined, watched: string | undefined): number | null => {
  const microseconds = Number(period);
  if (!period || !Number.isSafeInteger(microseconds) || microseconds <= 0) return null;
  if (watched && Number(watched) !== process.pid) return null;
  return Math.max(1, Math.floor(microseconds / 2_000));
};
