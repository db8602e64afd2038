/** Calls as somebody else: curl under another uid and gid, as the kernel will report it. */
import { execFile } from 'node:child_process';
import { accountOf } from './accounts.ts';
import type { Answer } from './engine.ts';

export interface As {
  readonly user: string;
  /** Its only group. */
  readonly group: string;
}

export const callAs = async (
  as: As,
  socket: string,
  method: string,
  path: string,
  body?: object,
): Promise<Answer> => {
  const { uid, gid } = accountOf(as);
  const args = ['-sS', '--max-time', '30', '--unix-socket', socket, '-X', method, '-w', '\n%{http_code}'];
  if (body) args.push('-H', 'content-type: application/json', '--data-binary', JSON.stringify(body));
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      'curl',
      [...args, `http://borealis/api/v1${path}`],
      { uid, gid, cwd: '/' },
      (error, stdout, stderr) => (error ? reject(new Error(`curl: ${stderr}`)) : resolve(stdout)),
    );
  });
  const at = output.lastIndexOf('\n');
  const text = output.slice(0, at);
  return {
    status: Number(output.slice(at + 1)),
    headers: {},
    bytes: Buffer.from(text),
    text,
    body: text === '' ? undefined : JSON.parse(text),
  };
};
