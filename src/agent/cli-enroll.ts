/** `borealis-agent enroll LINK`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseClientCertificate } from '../crypto/client-certificate.ts';
import { type EnrolmentLink, parseLink } from '../crypto/secret-code.ts';
import { BorealisError } from '../protocol/errors.ts';
import { systemClock } from '../sys/clock.ts';
import { lockState } from '../sys/lock.ts';
import { machineFingerprint } from '../sys/machine-fingerprint.ts';
import { SYSTEM_AGENT_STATE } from '../sys/state-paths.ts';
import type { CommandLine } from './cli-arguments.ts';
import { moment, plain, printFacts, printJson, type Terminal } from './cli-output.ts';
import { loadConfig } from './config.ts';
import { enrol, type Progress } from './enrol.ts';
import { machineFacts } from './machine.ts';
import { contextPaths, LOCK_NAME, prepareState } from './state.ts';

export async function enrollCommand(
  line: CommandLine,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { state, config } = loadConfig({ state: line.state, file: line.config, env: terminal.env });
  const link = await readLink(line.link, terminal);
  const paths = contextPaths(state, line.context ?? 'system');
  await prepareState(state, paths);
  const lock = lockState(paths.directory, LOCK_NAME);
  try {
    const membership = await enrol({
      link,
      paths,
      fingerprint: machineFingerprint(
        config.fingerprint === undefined ? {} : { machineId: config.fingerprint },
      ),
      machine: machineFacts(config.hostname),
      clock: systemClock,
      signal,
      onProgress: (progress) => tell(progress, terminal),
      sleep: (ms) =>
        sleep(ms, undefined, { signal }).catch((cause) => {
          throw new BorealisError('CANCELLED', {
            detail: 'The request stays with the engine.',
            next: 'Give the same link again to go on waiting.',
            cause,
          });
        }),
    });
    const { guid, name, context, address, certificate } = membership;
    const expires = parseClientCertificate(certificate).notAfter.toISOString();
    const engine = `${address.host}:${address.port}`;
    if (line.json)
      printJson(terminal, { guid, name, context, engine, state, certificate_expires_at: expires });
    else {
      printFacts(terminal, {
        Name: name,
        GUID: guid,
        Context: context,
        Engine: engine,
        'Certificate until': moment(expires),
      });
      terminal.stderr.write(`${serveWith(state, line)}\n`);
    }
  } finally {
    lock.release();
  }
}

const serveWith = (state: string, { state: named }: CommandLine): string => {
  const run = `Serve it with: borealis-agent run${named === undefined ? '' : ` --state ${plain(named)}`}`;
  return state === SYSTEM_AGENT_STATE ? `${run}\nOr at every boot: borealisctl service install --agent` : run;
};

/** From the argument, standard input or the environment. Errors: LINK_INVALID, USAGE. */
async function readLink(given: string | undefined, { env, stdin, stderr }: Terminal): Promise<EnrolmentLink> {
  if (given === '-') {
    if (stdin.isTTY) stderr.write('Paste the link that borealisctl code create printed, then press Enter:\n');
    let text = '';
    for await (const chunk of stdin) {
      text += String(chunk);
      if (text.length > 4_096 || text.includes('\n')) break;
    }
    return parseLink(text.split('\n')[0] ?? '');
  }
  const link = given ?? env.BOREALIS_AGENT_LINK;
  if (!link)
    throw new BorealisError('USAGE', {
      detail: 'The link is missing.',
      next: 'Get one with: borealisctl code create, then: borealis-agent enroll LINK',
    });
  return parseLink(link);
}

function tell(progress: Progress, { stderr }: Terminal): void {
  switch (progress.step) {
    case 'pinned':
      stderr.write(`The engine at ${progress.host}:${progress.port} is the one that the link names.\n`);
      break;
    case 'requested':
      stderr.write(
        `${progress.resumed ? 'Still waiting' : 'Waiting'} for an operator's approval, until ${moment(progress.expiresAt)}.\n` +
          // On a line of its own it fits a terminal of 80 columns, and is not broken.
          `Key fingerprint, to compare:${stderr.isTTY ? '\n' : ' '}${progress.keyFingerprint}\n`,
      );
      break;
    case 'unreachable':
      stderr.write(`${plain(progress.error.message)} Trying again.\n`);
      break;
    case 'approved':
      stderr.write('Approved.\n');
      break;
    case 'enrolled':
      stderr.write(`Enrolled as ${plain(progress.membership.name)}.\n`);
  }
}
