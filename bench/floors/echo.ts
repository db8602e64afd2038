/** The floor of the local API: bare node:http on a Unix socket that answers each path with bytes that it was given. */
import { createServer } from 'node:http';

const [socket] = process.argv.slice(2);
const answers = new Map<string, Buffer>();

const server = createServer((request, response) => {
  const body = answers.get(request.url!)!;
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
  });
  response.end(body);
});

process.on('message', ([path, body]: [string, Uint8Array]) => {
  answers.set(path, Buffer.from(body));
  process.send!('taken');
});
process.on('disconnect', () => process.exit(0));
server.listen(socket, () => process.send!('ready'));
