/** Devices that change without a pause, through the engine's API: each change is an event. */
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Storm {
  /** Changes a second so far. */
  rate(): number;
  /** All were made, or it was ended. */
  readonly done: Promise<void>;
  end(): Promise<void>;
}

const AT_ONCE = 8;

/** Of the devices with these GUIDs in turn; as many a second as told, or as the machine lets it; at most `most`. */
export const startStorm = (
  socket: string,
  guids: readonly string[],
  perSecond: number,
  most = Infinity,
): Storm => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const begun = performance.now();
  let sent = 0;
  let ended = false;
  const change = (index: number): Promise<void> =>
    new Promise((resolve) => {
      const body = JSON.stringify({ set: { storm: String(index) } });
      const request = http.request({
        socketPath: socket,
        agent,
        method: 'PUT',
        path: `/api/v1/devices/${guids[index % guids.length]}/tags`,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      });
      request.on('response', (response) => response.resume().on('end', resolve));
      request.on('error', () => resolve());
      request.end(body);
    });
  const passed = (): number => (performance.now() - begun) / 1_000;
  const worker = async (): Promise<void> => {
    while (!ended && sent < most) {
      if (sent > passed() * perSecond) await sleep(5);
      else await change(sent++);
    }
  };
  const done = Promise.all(Array.from({ length: AT_ONCE }, worker)).then(() => agent.destroy());
  return {
    rate: () => sent / passed(),
    done,
    end: () => {
      ended = true;
      return done;
    },
  };
};
