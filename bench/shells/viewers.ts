/** Operators who watch shells as fast as they can. Says, when asked, how many bytes it saw.  node … SOCKET ID… */
import { WebSocket } from 'ws';

const [socket, ...ids] = process.argv.slice(2) as [string, ...string[]];
let seen = 0;
let open = 0;
for (const id of ids) {
  const ws = new WebSocket(`ws+unix://${socket}:/api/v1/shells/${id}/attach`, { perMessageDeflate: false });
  ws.on('open', () => {
    open += 1;
    if (open === ids.length) process.send!('ready');
  });
  ws.on('message', (data, binary) => {
    if (binary) seen += (data as Buffer).length;
  });
}
process.on('message', () => process.send!(seen));
