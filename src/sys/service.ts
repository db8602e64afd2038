/** Engine and agent as services of the operating system: start at boot, come back when they fail, leave no trace. */
import { BorealisError } from '../protocol/errors.ts';
import { type CommandRunner, runCommand } from './command.ts';
import { SystemdServices } from './service.linux.ts';

export type ServiceRole = 'engine' | 'agent';

export interface InstallOptions {
  readonly role: ServiceRole;
  /** The checkout or earlier copy that has bin, dist, packaging and node_modules. */
  readonly programRoot: string;
  /** State directory; /var/lib/borealis or /var/lib/borealis-agent where not given. */
  readonly state?: string | undefined;
  /** The engine's user and group, made where missing; `borealis` where not given. The agent's is root. */
  readonly user?: string | undefined;
  /** Start it now; true where not given. It starts at boot either way. */
  readonly start?: boolean | undefined;
}

export interface UninstallOptions {
  readonly role: ServiceRole;
  /** Delete its state too. It is then gone for good: keys, devices, history. */
  readonly purge?: boolean | undefined;
}

export interface ServiceStatus {
  readonly role: ServiceRole;
  readonly unit: string;
  readonly installed: boolean;
  /** Starts at boot. */
  readonly enabled: boolean;
  readonly active: boolean;
  /** As the service manager says it: active/running, activating/auto-restart, failed/failed, inactive/dead. */
  readonly state: string;
  readonly pid: number | null;
  /** RFC 3339 UTC, since when it is in that state. */
  readonly since: string | null;
  /** How often the service manager brought it back since it was last started by hand or at boot. */
  readonly restarts: number;
  /** What it says of itself. */
  readonly status_text: string | null;
  readonly user: string | null;
  readonly state_directory: string | null;
  /** Where it runs from, and which version that is. */
  readonly program: string | null;
  readonly version: string | null;
}

export interface Services {
  /** Installing again is the upgrade. Errors: NEEDS_ROOT, NOT_BUILT, ENGINE_RUNNING, SERVICE_FAILED, COMMAND_FAILED. */
  install(options: InstallOptions): Promise<ServiceStatus>;
  /** Nothing is left but, without `purge`, the state, which root alone can then read. Errors: NEEDS_ROOT, COMMAND_FAILED. */
  uninstall(options: UninstallOptions): Promise<void>;
  status(role: ServiceRole): Promise<ServiceStatus>;
}

export interface ServicesOptions {
  /** Another root than `/`: the tree of a machine that is not running. Nothing is started there. */
  readonly root?: string | undefined;
  readonly run?: CommandRunner | undefined;
  /** Told each step before it is done, a sentence. */
  readonly onStep?: ((step: string) => void) | undefined;
}

/** Errors: UNSUPPORTED_PLATFORM where there is no service manager that we know. */
export const systemServices = (options: ServicesOptions = {}): Services => {
  if (process.platform !== 'linux') {
    throw new BorealisError('UNSUPPORTED_PLATFORM', { detail: `Services on ${process.platform}.` });
  }
  const { root = '/', run = runCommand, onStep = () => {} } = options;
  return new SystemdServices({ root, run, onStep });
};
