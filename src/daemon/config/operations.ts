/** `config.show` and `config.set`. */
import { readFile, unlink } from 'node:fs/promises';
import { checkConfig, sentence, withSetting } from '../../config/file.ts';
import { describeProblem, type Loaded } from '../../config/load.ts';
import {
  type Config,
  isSettingKey,
  nearestKey,
  SETTING_KEYS,
  SETTINGS,
  type SettingKey,
} from '../../config/settings.ts';
import type { Setting } from '../../protocol/engine.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import { lookupGroup } from '../../sys/accounts.ts';
import { writeFileDurably } from '../../sys/files.ts';
import { checkSocketPath } from '../../sys/socket-address.ts';
import type { Call, Handlers } from '../capability.ts';
import type { EventLog } from '../events/log.ts';

/** The configuration in force. Whoever reads it through `current` sees changes that need no restart. */
export class LiveConfig {
  #loaded: Loaded;

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
  }

  get current(): Config {
    return this.#loaded.config;
  }

  get file(): string {
    return this.#loaded.file;
  }

  /** Variables that look like a setting and are none. */
  get unknown(): Loaded['unknown'] {
    return this.#loaded.unknown;
  }

  setting(key: SettingKey): Setting {
    const { summary, restart } = SETTINGS[key];
    return { key, value: this.current[key], source: this.#loaded.sources[key], summary, restart };
  }

  /** Takes over what the file now says, where neither environment nor flag outranks it and no restart is needed. */
  take(key: SettingKey, value: unknown): void {
    const source = this.#loaded.sources[key];
    if (SETTINGS[key].restart || source === 'environment' || source === 'flag') return;
    this.#loaded = {
      ...this.#loaded,
      config: { ...this.#loaded.config, [key]: value },
      sources: { ...this.#loaded.sources, [key]: 'file' },
    };
  }
}

/** Told of the value, not of a line: there is none yet. */
const demandValid = (key: SettingKey, value: unknown): void => {
  const parsed = SETTINGS[key].schema.safeParse(value);
  if (parsed.success) return;
  throw new BorealisError('CONFIG_INVALID', {
    detail: `${key}: ${sentence(parsed.error.issues)}. Nothing was changed.`,
    next: `Give it another value: borealisctl config set ${key} VALUE`,
  });
};

/** What no schema knows and the next start would end with: then nobody could set it right but in the file. */
const demandUsable = (key: SettingKey, value: unknown): void => {
  if (typeof value !== 'string' || value === '') return;
  if (key === 'socket') checkSocketPath(value);
  if (key === 'socket_group' && !lookupGroup(value)) {
    throw new BorealisError('CONFIG_INVALID', {
      detail: `socket_group: this host has no group ${value}.`,
      next: `Create it first: groupadd ${value}`,
    });
  }
};

interface Dependencies {
  readonly config: LiveConfig;
  readonly store: Store;
  readonly events: EventLog;
}

export const configOperations = ({
  config,
  store,
  events,
}: Dependencies): Handlers<'config.show' | 'config.set'> => {
  // The file is read, changed and written as a whole: two at once would undo each other.
  let last: Promise<unknown> = Promise.resolve();
  const oneByOne = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined); // told to whoever asked for it
    return mine;
  };

  const set = async (key: SettingKey, value: unknown, call: Call): Promise<void> => {
    demandValid(key, value);
    const before = await readFile(config.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    const after = withSetting(before ?? '', key, value);
    const { problems, values } = checkConfig(after);
    if (problems.length > 0) {
      const detail = problems.map((problem) => describeProblem(problem, config.file)).join(' ');
      throw new BorealisError('CONFIG_INVALID', { detail });
    }
    demandUsable(key, value);
    await writeFileDurably(config.file, after, { mode: 0o600 });
    try {
      await store.write(async (tx) => {
        await call.audit(tx, { target: key, detail: { value } });
        await events.record(tx, {
          type: 'config.changed',
          message: `${call.caller.user} set ${key}`,
          data: { key, restart: SETTINGS[key].restart },
        });
      });
    } catch (error) {
      // No change without its record.
      await (before === null ? unlink(config.file) : writeFileDurably(config.file, before, { mode: 0o600 }));
      throw error;
    }
    config.take(key, values[key]);
  };

  return {
    'config.show': async () => SETTING_KEYS.map((key) => config.setting(key)),
    'config.set': async ({ key, value }, call) => {
      if (!isSettingKey(key)) {
        const nearest = nearestKey(key);
        throw new BorealisError('SETTING_UNKNOWN', nearest ? { next: `Did you mean ${nearest}?` } : {});
      }
      await oneByOne(() => set(key, value, call));
      return { ...config.setting(key), value };
    },
  };
};
