/** Parts of an agent for tests: real ones, with a log that is kept and a state directory that goes away. */
import { mkdtempSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, type AgentOptions } from '../../src/agent/agent.ts';
import { type CredentialStore, Credentials, type TokenPair } from '../../src/agent/credentials.ts';
import { childSetting } from '../../src/agent/environment.ts';
import { GroupFiles } from '../../src/agent/groups.linux.ts';
import type { AgentLog } from '../../src/agent/log.ts';
import { machineFacts } from '../../src/agent/machine.ts';
import { Spool } from '../../src/agent/spool.ts';
import { createTelemetry } from '../../src/agent/telemetry.ts';
import { VERBS } from '../../src/agent/verbs/registry.ts';
import { systemClock } from '../../src/sys/clock.ts';
import type { EngineDouble, Enrolled } from './engine-double.ts';

export interface LogLine {
  readonly level: keyof AgentLog;
  readonly message: string;
  readonly data: object;
}

export const keptLog = (lines: LogLine[] = []): AgentLog & { lines: LogLine[] } => {
  const at = (level: keyof AgentLog) => (data: object, message: string) =>
    void lines.push({ level, message, data });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

export const temporary = (): { directory: string; remove: () => Promise<void> } => {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-agent-'));
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
};

export const freshTokens = (change: Partial<TokenPair> = {}): TokenPair => ({
  accessToken: 'access-token',
  accessExpiresAt: Date.now() + 900_000,
  refreshToken: 'r'.repeat(43),
  refreshExpiresAt: Date.now() + 86_400_000,
  refreshing: false,
  ...change,
});

export const credentialsOf = (
  engine: EngineDouble,
  enrolled: Enrolled,
  tokens: TokenPair = freshTokens(),
  store: CredentialStore = { saveTokens: async () => undefined, saveCertificate: async () => undefined },
): Credentials =>
  new Credentials(
    {
      seed: enrolled.seed,
      publicKey: enrolled.publicKey,
      tokens,
      membership: {
        guid: enrolled.guid,
        name: 'device',
        context: enrolled.context,
        address: engine.address,
        pin: engine.authority.pin,
        authority: engine.authority.certificatePem,
        certificate: enrolled.certificate,
        signingKey: engine.signing.publicKey,
        signingKeyId: engine.signingKeyId,
      },
    },
    store,
    systemClock,
  );

export const openSpool = async (directory: string, now = Date.now) => {
  await mkdir(join(directory, 'spool'), { recursive: true, mode: 0o700 });
  const damaged: string[] = [];
  const spool = new Spool({
    directory: join(directory, 'spool'),
    seenPath: join(directory, 'seen.log'),
    now,
    onDamaged: (path) => damaged.push(path),
  });
  return { spool, leftOver: await spool.open(), damaged };
};

/** An agent as `run` makes it, in this process. */
export const agentFor = async (
  engine: EngineDouble,
  enrolled: Enrolled,
  directory: string,
  change: Partial<AgentOptions> & { tokens?: TokenPair; store?: CredentialStore } = {},
) => {
  const { spool, leftOver } = await openSpool(directory);
  const log = keptLog();
  await mkdir(join(directory, 'scripts'), { recursive: true, mode: 0o700 });
  const groups = new GroupFiles(join(directory, 'groups'), log);
  groups.endLeftOver();
  const { tokens, store, ...options } = change;
  const agent = new Agent({
    credentials: credentialsOf(engine, enrolled, tokens, store),
    machine: machineFacts(),
    verbs: VERBS,
    journal: spool,
    leftOver,
    setting: { ...childSetting('system', {}, {}), scriptDirectory: join(directory, 'scripts'), groups },
    telemetry: createTelemetry(systemClock),
    inventory: null,
    clock: systemClock,
    log,
    random: () => 0,
    ...options,
  });
  await agent.start();
  return {
    agent,
    log,
    spool,
    close: async () => {
      await agent.close();
      await spool.close();
    },
  };
};
