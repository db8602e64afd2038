/**
 * Forwards of an engine on another host (BOREALIS_HOST): the port is here, where the operator is. For each connection ssh(1)
 * runs `borealisctl tunnel forward DEVICE -:PORT` there; after the first they share its connection (ControlMaster).
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { engineError } from '../../client/problem.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Tunnel } from '../../protocol/tunnel.ts';
import { type SshTarget, sshArguments } from '../manner/remote.ts';

/** What is said on standard error when it goes wrong, at most. */
const SAID_BYTES = 8_192;

export class FarEngine {
  readonly #target: SshTarget;
  /** ssh's own socket: a folder that nobody else can enter, and a short path (unix(7)). */
  readonly #directory = mkdtempSync(join(tmpdir(), 'borealis-ssh-'));

  constructor(target: SshTarget) {
    this.#target = target;
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Brings the tunnel up. Errors: as the far command says them; ENGINE_UNREACHABLE. */
  async connect(device: string): Promise<Tunnel> {
    const child = this.#run(['tunnel', 'connect', device, '--json'], 'inherit');
    child.stdin.end();
    let told = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) told += chunk as string;
    const answer = parse(told);
    if (answer === undefined)
      throw new BorealisError('ENGINE_UNREACHABLE', {
        detail: `What ssh said of ${this.#target.destination} is above.`,
        next: `Try: ssh ${this.#target.destination}`,
      });
    if ('error' in answer) throw engineError(answer.error);
    return answer;
  }

  /** One connection to the port of the device. What the far command says when it fails goes to `failed`. */
  dial(device: string, port: number, failed: (error: Error) => void): Duplex {
    const child = this.#run(['tunnel', 'forward', device, `-:${port}`], 'pipe');
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-SAID_BYTES);
    });
    const far = Duplex.from({ readable: child.stdout, writable: child.stdin });
    child.once('error', (error) => far.destroy(error));
    child.once('close', (code) => {
      if (code) failed(new Error(said.trim() || `ssh ended with exit code ${code}`));
    });
    far.once('close', () => child.kill());
    return far;
  }

  #run(argv: string[], stderr: 'pipe' | 'inherit') {
    const shared = ['-o', 'ControlMaster=auto', '-o', `ControlPath=${join(this.#directory, 's')}`];
    return spawn('ssh', [...shared, ...sshArguments(this.#target, argv, false)], {
      stdio: ['pipe', 'pipe', stderr],
    }) as ChildProcessByStdio<Writable, Readable, Readable | null>;
  }
}

type Answer =
  | Tunnel
  | { readonly error: { readonly code: string; readonly message: string; readonly next: string } };

const parse = (text: string): Answer | undefined => {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined; // a shell's words, or nothing at all
  }
};
