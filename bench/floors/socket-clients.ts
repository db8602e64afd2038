/**
 * node socket-clients.ts FILE PORT: as many bare mTLS WebSockets as the fleet has agents, with the fleet's certificates,
 * sending what agents send when agents send it. No tokens, no proofs, no schema.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { WebSocket } from 'ws';
import { seedToPem } from '../../src/crypto/keys.ts';
import { ENGINE_SERVER_NAME } from '../../src/protocol/enrolment.ts';
import { HEARTBEAT_MS, TELEMETRY_MS } from '../../src/protocol/frame.ts';
import { type EnrolledAgent, readFleet } from '../fleet/enrolled.ts';
import { sampleOf } from '../fleet/machine.ts';

const AT_ONCE = 48;
const AGAIN_MS = 500;

const [file, port] = process.argv.slice(2);
const { head, agents } = readFleet(file!);
let [online, resumed, full] = [0, 0, 0];
/** As long as the envelope of a short result. */
const result = 'r'.repeat(560);

class Client {
  readonly #agent: EnrolledAgent;
  readonly #index: number;
  readonly #context: SecureContext;
  readonly #key;
  session: Buffer | undefined;

  constructor(agent: EnrolledAgent, index: number) {
    this.#agent = agent;
    this.#index = index;
    const key = seedToPem(Buffer.from(agent.seed, 'base64url'));
    this.#key = createPrivateKey(key);
    this.#context = createSecureContext({
      minVersion: 'TLSv1.3',
      ecdhCurve: 'X25519',
      ca: head.authority,
      cert: agent.certificate,
      key,
    });
  }

  dial(arrived: () => void = () => {}): void {
    const socket = new WebSocket(`wss://${ENGINE_SERVER_NAME}/`, {
      perMessageDeflate: false,
      createConnection: () => {
        const connection = connect({
          host: '127.0.0.1',
          port: Number(port),
          servername: ENGINE_SERVER_NAME,
          secureContext: this.#context,
          session: this.session,
        });
        connection.setNoDelay(true);
        connection.on('session', (ticket) => {
          this.session = ticket;
        });
        connection.once('secureConnect', () => {
          if (connection.isSessionReused()) resumed++;
          else full++;
        });
        return connection;
      },
    });
    let timers: NodeJS.Timeout[] = [];
    socket.on('open', () => {
      online++;
      const ping = (): void =>
        socket.send(JSON.stringify({ type: 'PING', t: Math.round(performance.now()) }));
      const tell = (): void =>
        socket.send(JSON.stringify({ type: 'TELEMETRY', sample: sampleOf(this.#index) }));
      tell();
      timers = [
        setInterval(ping, HEARTBEAT_MS),
        setTimeout(
          () => {
            tell();
            timers.push(setInterval(tell, TELEMETRY_MS));
          },
          TELEMETRY_MS * (0.5 + Math.random() / 2),
        ),
      ];
      arrived();
    });
    socket.on('message', (data: Buffer) => {
      if (data[9] === 0x43) this.#answer(socket);
    });
    socket.on('error', () => {
      // `close` follows.
    });
    socket.on('close', () => {
      if (timers.length > 0) online--;
      for (const timer of timers) clearTimeout(timer);
      setTimeout(() => this.dial(arrived), Math.random() * AGAIN_MS);
    });
  }

  #answer(socket: WebSocket): void {
    const signature = sign(null, Buffer.from(result), this.#key).toString('base64url');
    socket.send(
      JSON.stringify({ type: 'RESULT', guid: this.#agent.guid, envelope: `${result}.${signature}` }),
    );
  }
}

const clients = agents.map((agent, index) => new Client(agent, index));
let next = 0;
const startNext = (): void => {
  const client = clients[next++];
  let first = true;
  client?.dial(() => {
    if (first) startNext();
    first = false;
  });
};
process.on('message', (asked: 'connect' | 'count' | 'forget sessions') => {
  if (asked === 'connect') for (let i = 0; i < AT_ONCE; i++) startNext();
  else if (asked === 'forget sessions') for (const client of clients) client.session = undefined;
  process.send!({ online, resumed, full, troubles: {} });
});
process.on('disconnect', () => process.exit(0));
process.send!('ready');
