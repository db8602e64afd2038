/** The systemd units of engine and agent, from the templates in packaging/systemd. Pure, but for reading the template. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BorealisError } from '../protocol/errors.ts';
import type { ServiceRole } from './service.ts';
import { SYSTEM_AGENT_STATE, SYSTEM_ENGINE_STATE } from './state-paths.ts';

export interface UnitSettings {
  /** Absolute folder of bin and dist. */
  readonly program: string;
  /** Absolute state directory. */
  readonly state: string;
  readonly user: string;
}

interface RoleOfUnit {
  readonly unit: string;
  readonly state: string;
  /** Of the state directory: members of the engine's group pass through it to the socket. */
  readonly stateMode: number;
}

export const UNITS: Readonly<Record<ServiceRole, RoleOfUnit>> = {
  engine: { unit: 'borealisd.service', state: SYSTEM_ENGINE_STATE, stateMode: 0o710 },
  agent: { unit: 'borealis-agent.service', state: SYSTEM_AGENT_STATE, stateMode: 0o700 },
};

/** Characters that mean something in a unit file, or that a path of ours has no need of. */
const PLAIN_PATH = /^(\/[\w@+:.,-]+){2,}$/;
/** The engine's sandbox has these empty, or its own. */
const HIDDEN = /^\/(home|root|run\/user|tmp|var\/tmp|dev|proc|sys)\//;
/** What useradd(8) takes. */
const PLAIN_USER = /^[a-z_][a-z0-9_-]{0,31}$/;

/** Errors: INVALID_INPUT where a setting could be read as something else in a unit file; NOT_BUILT without template. */
export const renderUnit = async (
  programRoot: string,
  role: ServiceRole,
  settings: UnitSettings,
): Promise<string> => {
  const file = join(programRoot, 'packaging', 'systemd', UNITS[role].unit);
  const template = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BorealisError('NOT_BUILT', { detail: `${file} is missing.`, cause });
  });
  return fillIn(template, role, settings);
};

export const fillIn = (
  template: string,
  role: ServiceRole,
  { program, state, user }: UnitSettings,
): string => {
  for (const path of [program, state]) {
    if (!PLAIN_PATH.test(path) || /\/\.\.?(\/|$)/.test(path)) {
      throw invalid(
        `The path ${path} must be absolute, of letters, digits and @+:.,_- only, and not of one level.`,
      );
    }
  }
  if (role === 'engine' && HIDDEN.test(state)) {
    throw invalid(`The engine’s service cannot see ${state}; take a folder below /srv or /var/lib.`);
  }
  if (!PLAIN_USER.test(user)) throw invalid(`${user} cannot be the name of a user.`);
  const values: Readonly<Record<string, string>> = {
    PROGRAM: program,
    STATE: state,
    USER: user,
    GROUP: user,
    STATE_SETTINGS: stateSettings(role, state),
  };
  return template.replaceAll(/@([A-Z_]+)@/g, (placeholder, name: string) => {
    if (name === 'NAMES') return placeholder; // the comment that explains them
    const value = values[name];
    if (value === undefined) throw new BorealisError('INTERNAL', { detail: `No value for ${placeholder}.` });
    return value;
  });
};

/** systemd makes the usual place itself, and hands what is in it to the service's user; another is only let through. */
const stateSettings = (role: ServiceRole, state: string): string => {
  const { state: usual, stateMode } = UNITS[role];
  if (state !== usual) return `ReadWritePaths=${state}`;
  return `StateDirectory=${usual.replace('/var/lib/', '')}\nStateDirectoryMode=0${stateMode.toString(8)}`;
};

const invalid = (detail: string) => new BorealisError('INVALID_INPUT', { detail });
