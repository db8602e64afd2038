import { setTimeout as rest } from 'node:timers/promises';
import { RawHttp } from '../raw-http.ts';

/** Latencies, in milliseconds, of calls one after another for so long. */
export const ask = async (socket: string, paths: readonly string[], ms: number): Promise<number[]> => {
  const client = await RawHttp.connect(socket);
  const times: number[] = [];
  for (let i = 0, until = performance.now() + ms; performance.now() < until; i++) {
    times.push((await client.get(paths[i % paths.length]!)).ms);
    await rest(2);
  }
  client.close();
  return times;
};
