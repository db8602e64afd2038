/** Where VPN services run on devices, as high availability needs it; what tells the devices is in daemon/vpn. */
import type { HostedHa } from '../../protocol/bastion.ts';
import type { Transaction } from '../../store/store.ts';
import type { ServiceRow } from '../vpn/rows.ts';

export interface Bastions {
  /** Whether its agent hosts services; undefined where it is not connected, so that nobody knows. */
  hosts(guid: string): boolean | undefined;
  /** Who runs the service, or with what part in a pair, is another now (`HaNodes`): all concerned are told, now or once they are back. */
  changed(service: ServiceRow): Promise<void>;
  /** Names of devices that do not know yet what they are to be for that service, or that they are not to run it any more. */
  untold(vpnId: string): Promise<string[]>;
  /** What the service's nodes are to have; grows with each change. 0: nothing was told to any. */
  revision(vpnId: string): number;
  /** Whoever has the address gives it to the other one. False where the device is not connected. */
  giveAway(guid: string, vpnId: string, id: string): boolean;
}

export interface HaNode {
  readonly guid: string;
  readonly ha: HostedHa;
}

/** The other direction: who is to run a service. */
export interface HaNodes {
  /** Null: no pair; the service runs on its own node. Devices that may not now are not among them. */
  nodesOf(vpnId: string): readonly HaNode[] | null;
  /** The service is deleted: its pair goes with it, and what was promised in it is kept for an engine after this one. */
  deleted(tx: Transaction, vpnId: string): Promise<void>;
}
