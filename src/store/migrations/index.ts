import type { Migration } from 'kysely/migration';
import * as foundation from './0001-foundation.ts';
import * as tunnels from './0002-tunnels.ts';
import * as shells from './0003-shells.ts';
import * as vpn from './0004-vpn.ts';
import * as ha from './0006-ha.ts';
import * as vpnNodes from './0007-vpn-nodes.ts';
import * as deviceEvents from './0008-device-events.ts';
import * as vpnLeaving from './0009-vpn-leaving.ts';
import * as haThreshold from './0010-ha-threshold.ts';

/** Appended to, never edited: a store of any age is brought up to date by running what it has not seen. */
export const migrations: Record<string, Migration> = {
  '0001-foundation': foundation,
  '0002-tunnels': tunnels,
  '0003-shells': shells,
  '0004-vpn': vpn,
  '0006-ha': ha,
  '0007-vpn-nodes': vpnNodes,
  '0008-device-events': deviceEvents,
  '0009-vpn-leaving': vpnLeaving,
  '0010-ha-threshold': haThreshold,
};
export const SCHEMA_VERSION = Object.keys(migrations).length;
