/** A pseudo-console on Windows (ConPTY) through node-pty. Written to its documentation; not tried on Windows yet. */
import { createRequire } from 'node:module';
import type * as NodePty from 'node-pty';
import type { Pty, PtyOptions } from './pty.ts';

export function openWindowsPty({ file, args, env, cwd, size, onOutput, onEnd }: PtyOptions): Pty {
  // Bundled as CommonJS there is no import.meta, from source there is no __filename.
  const require = createRequire(import.meta.filename ?? __filename);
  const { spawn } = require('node-pty') as typeof NodePty;
  const pty = spawn(file, [...args], { cwd, env: { ...env }, cols: size.cols, rows: size.rows });
  // ConPTY speaks UTF-8 whatever the code page, and node-pty decodes it.
  pty.onData((text) => onOutput(Buffer.from(text, 'utf8')));
  pty.onExit(({ exitCode }) => onEnd({ exitCode, signal: null }));
  const end = () => pty.kill();
  return {
    pid: pty.pid,
    unwritten: 0,
    write: (bytes) => pty.write(Buffer.from(bytes)),
    pause: () => pty.pause(),
    resume: () => pty.resume(),
    resize: ({ cols, rows }) => pty.resize(cols, rows),
    echoes: () => null,
    // Windows has no signals: each ends the console and what is attached to it.
    signal: end,
    close: end,
  };
}
