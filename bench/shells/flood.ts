/** A device on which every shell prints as fast as it is let: real frames, the window respected. Says its port. */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { FROM_AGENT_PORT, SHELL_WINDOW_BYTES, TO_AGENT_PORT } from '../../src/protocol/agent-port.ts';
import {
  type AgentPortFrame,
  AgentPortReader,
  decodeToShell,
  encodeJsonFrame,
  encodeOutput,
} from '../../src/protocol/agent-port-codec.ts';

/** Text as `ls -lR --color` gives it. */
const PIECE = Buffer.from(
  Array.from({ length: 300 }, () => {
    const name = randomBytes(6).toString('hex');
    return `-rw-r--r-- 1 root root ${randomBytes(2).readUInt16BE(0)} Nov 21 07:00 \x1b[01;34m${name}\x1b[0m\r\n`;
  }).join(''),
).subarray(0, 16_384);

const serve = (socket: Socket): void => {
  const reader = new AgentPortReader();
  let sent = 0;
  let acked = 0;
  const pump = (): void => {
    while (sent - acked < SHELL_WINDOW_BYTES && socket.writableLength < SHELL_WINDOW_BYTES) {
      socket.write(encodeOutput(sent, PIECE));
      sent += PIECE.length;
    }
  };
  const opened = (frame: AgentPortFrame): void => {
    const claims = JSON.parse(
      Buffer.from(frame.payload.toString('latin1').split('.')[1]!, 'base64url').toString(),
    ) as { shell_id: string };
    const { shell_id } = claims;
    socket.write(
      encodeJsonFrame(FROM_AGENT_PORT.OPENED, {
        shell_id,
        pid: 1,
        user: 'root',
        cols: 80,
        rows: 24,
        offset: 0,
        started_at: 0,
      }),
    );
    pump();
  };
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('drain', pump);
  socket.on('data', (chunk) => {
    for (const frame of reader.frames(chunk)) {
      if (frame.kind === TO_AGENT_PORT.OPEN) opened(frame);
      else {
        const asked = decodeToShell(frame);
        if (asked.type === 'ACK') acked = asked.offset;
        if (asked.type === 'SCREEN') {
          const screen = {
            id: asked.id,
            offset: sent,
            cols: 80,
            rows: 24,
            data: 'x'.repeat(4_000),
            last: true,
          };
          socket.write(encodeJsonFrame(FROM_AGENT_PORT.SCREEN, screen));
        }
        pump();
      }
    }
  });
};

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
