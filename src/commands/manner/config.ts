/** oclif's configuration of this program, told rather than found: nothing is read from disk and nothing is searched. */
import { Config } from '@oclif/core/config';
import type { Hook, Hooks } from '@oclif/core/interfaces';
import { VERSION } from '../../protocol/version.ts';

const pjson = {
  name: 'borealis',
  version: VERSION,
  oclif: { bin: 'borealisctl', topicSeparator: ' ' as const },
};

/** Without plugins there is nobody to hook in. */
class ProgramConfig extends Config {
  override async runHook<T extends keyof Hooks, P extends Hooks = Hooks>(): Promise<
    Hook.Result<P[T]['return']>
  > {
    return { failures: [], successes: [] };
  }
}

export const programConfig = (): Config => {
  const config = new ProgramConfig({ root: import.meta.dirname });
  config.bin = pjson.oclif.bin;
  config.name = pjson.name;
  config.version = VERSION;
  config.pjson = pjson;
  config.topicSeparator = ' ';
  config.userAgent = `${pjson.oclif.bin}/${VERSION}`;
  return config;
};
