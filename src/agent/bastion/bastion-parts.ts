/** What hosting VPN services on a device needs. */
import type { Clock } from '../../sys/clock.ts';
import type { Uplink } from '../channel.ts';
import type { SwitchLog } from '../ha/switch-log.ts';
import type { AgentLog } from '../log.ts';
import type { SeenTokens } from '../port/seen-tokens.ts';
import type { CommandTrust } from '../verify.ts';
import type { HostedParts } from './hosted-parts.ts';
import type { KeptServices } from './kept.ts';

export interface BastionParts {
  readonly trust: CommandTrust;
  readonly kept: KeptServices;
  readonly seen: SeenTokens;
  readonly uplink: Uplink;
  readonly partsFor: (
    interfaceName: string,
    of: { readonly switches: SwitchLog; readonly told: () => void; readonly send: Uplink['send'] },
  ) => HostedParts;
  /** No service is left that packets are passed on for. */
  readonly release: () => Promise<void>;
  readonly clock: Clock;
  readonly log: AgentLog;
}
