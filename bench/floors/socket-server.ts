/**
 * node socket-server.ts FILE PORT [STORE]: the floor of the agents' channel. Mutual TLS 1.3 and `ws`, nothing else: no
 * schema, no state, no store. It answers a PING and forgets the rest.
 *
 * Asked for commands, it does the least that signed commands with stored results can be: a bare signature for each
 * socket, a bare check of each answer, rows into bare better-sqlite3 in transactions of 500.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import BetterSqlite3 from 'better-sqlite3';
import { type WebSocket, WebSocketServer } from 'ws';
import { publicKeyOf } from '../../src/crypto/ed25519.ts';
import { publicKeyToSpkiDer, seedToPem } from '../../src/crypto/keys.ts';
import { readFleet } from '../fleet/enrolled.ts';

const [file, port, store] = process.argv.slice(2);
const { head, agents } = readFleet(file!);
const BATCH = 500;

/** Kept over a restart, as the engine keeps its own. */
const ticketKeys = (path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch {
    const made = randomBytes(48);
    writeFileSync(path, made, { mode: 0o600 });
    return made;
  }
};

const server = createServer({
  key: head.floor.key,
  cert: head.floor.certificate,
  ca: head.authority,
  minVersion: 'TLSv1.3',
  ecdhCurve: 'X25519',
  requestCert: true,
  rejectUnauthorized: true,
  ticketKeys: ticketKeys(`${file}.tickets`),
  sessionIdContext: 'floor',
  noDelay: true,
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
const seed = randomBytes(32);
const signingKey = createPrivateKey(seedToPem(seed));
/** Message of a command and of its result: as long as ours. */
const command = randomBytes(330).toString('base64url').slice(0, 440);

interface Round {
  readonly begun: number;
  readonly rows: [string, string][];
  open: number;
}
let round: Round | undefined;
const keys = new Map<string, KeyObject>();
const db = store === undefined ? undefined : new BetterSqlite3(store);
db?.pragma('journal_mode = WAL');
db?.pragma('synchronous = FULL');
db?.exec('create table if not exists result (id text primary key, envelope text)');
const insert = db?.prepare('insert or replace into result values (?, ?)');
const put = db?.transaction((rows: readonly [string, string][]) => {
  for (const row of rows) insert!.run(...row);
});

function heard(this: WebSocket, data: Buffer): void {
  // {"type":"PING"…
  if (data[9] === 0x50) this.send(`{"type":"PONG",${data.toString('latin1', 15)}`);
  else if (data[9] === 0x52 && round) answered(round, data.toString());
}

const answered = (current: Round, text: string): void => {
  const { guid, envelope } = JSON.parse(text) as { guid: string; envelope: string };
  const [message, signature] = envelope.split('.');
  if (!verify(null, Buffer.from(message!), keys.get(guid)!, Buffer.from(signature!, 'base64url')))
    process.exit(1);
  current.rows.push([guid, envelope]);
  current.open--;
  if (current.rows.length < BATCH && current.open > 0) return;
  put!(current.rows.splice(0));
  if (current.open > 0) return;
  round = undefined;
  process.send!({ ms: performance.now() - current.begun });
};

const startRound = async (): Promise<void> => {
  round = { begun: performance.now(), rows: [], open: sockets.clients.size };
  let sent = 0;
  for (const socket of sockets.clients) {
    const signature = sign(null, Buffer.from(command), signingKey).toString('base64url');
    socket.send(`{"type":"COMMAND","envelope":"${command}.${signature}"}`);
    if (++sent % 25 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
};

sockets.on('connection', (socket) => {
  (socket as unknown as { _socket: TLSSocket })._socket.setNoDelay(true);
  socket.on('message', heard);
  socket.on('error', () => {
    // It is gone; `clients` knows.
  });
});
process.on('message', (asked: 'count' | 'commands') => {
  if (asked === 'count') process.send!({ online: sockets.clients.size });
  else {
    for (const agent of agents) {
      const publicKey = publicKeyOf(Buffer.from(agent.seed, 'base64url'));
      keys.set(
        agent.guid,
        createPublicKey({ key: publicKeyToSpkiDer(publicKey), format: 'der', type: 'spki' }),
      );
    }
    void startRound();
  }
});
process.on('disconnect', () => process.exit(0));
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4_096 }, () =>
  process.send!({ ready: true, publicKey: publicKeyOf(seed) }),
);
