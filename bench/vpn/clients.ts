/**
 * node clients.ts FILE ADDRESS PORT SERVICE_KEY, within a host of the lab: as many clients as FILE has private keys, each
 * with a port of its own and as little of WireGuard as there can be. They connect, and answer whoever begins a handshake in
 * the service's name. Prints lines of JSON: `ready`, to be called; `back`, the moments at which the first data of a session
 * came that the other side began (of the clock that all processes share); `cookies`, how many answers were turned away; `cpu`,
 * milliseconds so far.
 */
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { beginHandshake, type Handshake } from '../../src/wg/handshake.ts';
import { seal } from '../../src/wg/noise.ts';
import { now } from '../../test/lab/ha/observer.ts';
import { Answering } from './answering.ts';

const [file, address, port, service] = process.argv.slice(2) as [string, string, string, string];
/** More at once, and WireGuard asks for cookies. */
const AT_ONCE = 24;
const RETRY_MS = 1_000;
const TELL_MS = 20;
const QUIET_MS = 1_000;
const [INITIATION, COOKIE, DATA] = [1, 3, 4];
const NOTHING = Buffer.alloc(0);

let back: [client: number, at: number][] = [];
let cookies = 0;
/** Until what the next answers need is made. */
let quiet: NodeJS.Timeout | undefined;
const tell = (said: object): void => void process.stdout.write(`${JSON.stringify(said)}\n`);

class Client {
  readonly #number: number;
  readonly #privateKey: string;
  #udp: Socket | undefined;
  #asked: Handshake | undefined;
  readonly #answering: Answering;
  /** Of an answer that the other side has not shown to have. */
  #answered = false;
  readonly #connected = Promise.withResolvers<void>();

  constructor(number: number, privateKey: string) {
    this.#number = number;
    this.#privateKey = privateKey;
    this.#answering = new Answering(privateKey, service, randomInt(2 ** 32));
  }

  prepare(): void {
    this.#answering.prepare();
  }

  async connect(): Promise<void> {
    const udp = createSocket('udp4');
    this.#udp = udp;
    udp.on('message', (packet) => this.#hear(packet));
    udp.on('error', () => undefined); // nobody has the address just now
    const ask = (): void => {
      const sender = randomInt(2 ** 32);
      this.#asked = beginHandshake({ privateKey: this.#privateKey, peer: service, sender, now: Date.now() });
      udp.send(this.#asked.initiation);
    };
    udp.connect(Number(port), address, ask);
    const retry = setInterval(ask, RETRY_MS);
    await this.#connected.promise;
    clearInterval(retry);
  }

  #hear(packet: Buffer): void {
    const kind = packet[0];
    if (kind === INITIATION) {
      const answer = this.#answering.to(packet);
      if (!answer) return;
      this.#udp?.send(answer);
      this.#answered = true;
    } else if (kind === COOKIE) cookies += 1;
    else if (kind === DATA && this.#answered) {
      this.#answered = false;
      back.push([this.#number, now()]);
    } else this.#prove(packet);
  }

  /** An empty packet of data, the first of the session: to the other side it is the proof. */
  #prove(packet: Buffer): void {
    const established = this.#asked?.finish(packet);
    if (!established) return;
    this.#asked = undefined;
    const header = Buffer.alloc(16);
    header[0] = DATA;
    header.writeUInt32LE(established.receiver, 4);
    this.#udp?.send(Buffer.concat([header, seal(established.sendingKey, NOTHING, NOTHING)]));
    this.#connected.resolve();
  }
}

const clients = (JSON.parse(readFileSync(file, 'utf8')) as string[]).map(
  (key, number) => new Client(number, key),
);
let next = 0;
const some = async (): Promise<void> => {
  for (let client = clients[next++]; client; client = clients[next++]) await client.connect();
};
await Promise.all(Array.from({ length: AT_ONCE }, some));
const prepare = (): void => {
  for (const client of clients) client.prepare();
  tell({ ready: true });
};
prepare();
process.stdin.resume().on('end', () => process.exit());
setInterval(() => {
  if (back.length === 0 && cookies === 0) return;
  const { user, system } = process.cpuUsage();
  tell({ back, cookies, cpu: (user + system) / 1_000 });
  [back, cookies] = [[], 0];
  clearTimeout(quiet);
  quiet = setTimeout(prepare, QUIET_MS);
}, TELL_MS);
