/** `borealis-agent status`: what the files and the lock say; asks nobody. */
import { readdir } from 'node:fs/promises';
import { parseClientCertificate } from '../crypto/client-certificate.ts';
import type { AgentContext } from '../protocol/scalars.ts';
import { lockHolder } from '../sys/lock.ts';
import type { CommandLine } from './cli-arguments.ts';
import { moment, printFacts, printJson, type Terminal } from './cli-output.ts';
import { loadConfig } from './config.ts';
import { loadMembership } from './identity.ts';
import { AGENT_VERSION } from './machine.ts';
import { CONTEXTS, type ContextPaths, contextPaths, LOCK_NAME } from './state.ts';
import { type RunStatus, readStatus } from './status-file.ts';

export interface ContextStatus {
  readonly context: AgentContext;
  readonly enrolled: boolean;
  /** An enrolment waits for approval. */
  readonly pending: boolean;
  readonly guid: string | null;
  readonly name: string | null;
  readonly engine: string | null;
  readonly certificate_expires_at: string | null;
  readonly pid: number | null;
  readonly connected: boolean;
  readonly link: RunStatus['state'] | 'not_running';
  readonly since: string | null;
  readonly engine_version: string | null;
  readonly next_attempt_at: string | null;
  readonly last_error: RunStatus['last_error'];
  /** Commands that are not settled: waiting, running, or their results unfetched. */
  readonly spooled: number;
}

export async function statusCommand(line: CommandLine, terminal: Terminal): Promise<void> {
  const { state } = loadConfig({ state: line.state, file: line.config, env: terminal.env });
  const contexts: ContextStatus[] = [];
  for (const context of line.context ? [line.context] : CONTEXTS) {
    const found = await contextStatus(contextPaths(state, context));
    if (found.enrolled || found.pending || line.context) contexts.push(found);
  }
  if (line.json)
    return printJson(terminal, {
      enrolled: contexts.some(({ enrolled }) => enrolled),
      connected: contexts.some(({ connected }) => connected),
      agent_version: AGENT_VERSION,
      state,
      contexts,
    });
  if (contexts.length === 0)
    terminal.stdout.write(`Not enrolled. State: ${state}\nEnrol it: borealis-agent enroll LINK\n`);
  for (const status of contexts) show(status, state, terminal);
}

async function contextStatus(paths: ContextPaths): Promise<ContextStatus> {
  const membership = await loadMembership(paths);
  const pid = lockHolder(paths.directory, LOCK_NAME);
  const written = await readStatus(paths.status);
  // A file of a process that is gone says nothing of now, but why it was not connected is still worth knowing.
  const live = written !== null && written.pid === pid ? written : null;
  const names = await readdir(paths.directory).catch((): string[] => []);
  const spool = await readdir(paths.spool).catch((): string[] => []);
  return {
    context: paths.context,
    enrolled: membership !== null,
    pending: membership === null && names.includes('enrolment.json'),
    guid: membership?.guid ?? null,
    name: membership?.name ?? null,
    engine: membership ? `${membership.address.host}:${membership.address.port}` : null,
    certificate_expires_at: membership
      ? parseClientCertificate(membership.certificate).notAfter.toISOString()
      : null,
    pid: membership ? pid : null,
    connected: live?.state === 'online',
    link: live?.state ?? 'not_running',
    since: live?.since ?? null,
    engine_version: live?.engine_version ?? null,
    next_attempt_at: live?.next_attempt_at ?? null,
    last_error: written?.last_error ?? null,
    spooled: spool.filter((name) => name.endsWith('.json')).length,
  };
}

function show(status: ContextStatus, state: string, terminal: Terminal): void {
  const error = status.last_error;
  printFacts(terminal, {
    Context: status.context,
    Enrolled: status.enrolled
      ? `as ${status.name} (${status.guid})`
      : status.pending
        ? 'waits for approval'
        : 'no',
    Engine:
      status.engine && `${status.engine}${status.engine_version ? `, version ${status.engine_version}` : ''}`,
    Process: status.pid === null ? 'not running' : String(status.pid),
    Link: status.since ? `${status.link} since ${moment(status.since)}` : null,
    'Next attempt': status.next_attempt_at && moment(status.next_attempt_at),
    'Certificate until': status.certificate_expires_at && moment(status.certificate_expires_at),
    'Last error': error && `${error.code} at ${moment(error.at)}: ${error.message} ${error.next}`,
    Commands: `${status.spooled === 0 ? 'none' : status.spooled} waiting, running or not yet reported`,
    State: state,
  });
}
