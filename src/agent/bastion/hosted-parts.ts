/** What a VPN service on this device needs of the machine, and of its part in a pair. */
import type { VoteMessage } from '../../ha/node.ts';
import type { HostedHa, HostedHaState } from '../../protocol/bastion.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Forwarding } from '../../wg/forwarding.ts';
import type { GatewayNetwork } from '../../wg/network.ts';
import type { DutyService } from '../ha/duty-parts.ts';
import type { AgentLog } from '../log.ts';
import type { Leniency } from './conntrack.linux.ts';
import type { Leaving } from './kept.ts';

/** What agent/ha does for it. */
export interface HaPart {
  readonly state: HostedHaState;
  readonly isHolder: boolean;
  /** Why it could not have the address, of late. */
  readonly failure: Error | null;
  start(): void;
  turnTo(endpoint: string | null): void;
  /** Base64url; only who has it too is heard. */
  rekey(key: string): void;
  give(reason: 'planned' | 'stopped'): Promise<void>;
  vote(from: string, message: VoteMessage): void;
  close(): Promise<void>;
}

export interface HostedParts {
  readonly network: GatewayNetwork;
  readonly forwarding: Forwarding;
  readonly leniency: Pick<Leniency, 'demand'>;
  /** Errors: HA_NO_INTERFACE, HA_ADDRESS_TAKEN, NET_ADMIN_REQUIRED, PORT_TAKEN, …. */
  readonly openHa: (
    ha: HostedHa,
    service: DutyService,
    revision: () => number,
    of: { readonly id: string; readonly name: string },
  ) => Promise<HaPart>;
  /** Takes from this machine what an agent that was killed has left of a part in a pair. */
  readonly clearHa: (ha: NonNullable<Leaving['ha']>, id: string) => Promise<void>;
  /** Its state is another one now. */
  readonly told: () => void;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly log: AgentLog;
}
