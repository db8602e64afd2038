/**
 * Inventories that agents send: stored, and told as an event, only where something changed. That of the user's agent
 * counts only on machines that have no other, since it sees less.
 */
import type { Logger } from 'pino';
import type { Inventory } from '../../protocol/device.ts';
import type { Store, Transaction } from '../../store/store.ts';
import type { AgentChannel } from '../channel/agent-channel.ts';
import type { ChannelServer } from '../channel/server.ts';
import type { EventLog } from '../events/log.ts';

export interface InventoryParts {
  readonly store: Store;
  readonly events: EventLog;
  /** Of the component `inventory`. */
  readonly log: Logger;
  readonly channels: ChannelServer;
}

export interface InventoryIngest {
  /** After the channels are closed: resolves when what came is stored. */
  close(): Promise<void>;
}

/** Attaches itself to the channels; to be made before they start. */
export const createInventoryIngest = ({ store, events, log, channels }: InventoryParts): InventoryIngest => {
  const writing = new Set<Promise<void>>();
  const take = async (channel: AgentChannel, inventory: Inventory): Promise<void> => {
    try {
      if (await isStale(store, channel, inventory)) return;
      await store.write((tx) => put(tx, events, channel, inventory));
    } catch (error) {
      // Agents send it again with the next connection.
      log.error({ err: error, device: channel.name }, 'an inventory could not be stored');
    }
  };
  channels.attach({
    frames: {
      INVENTORY(channel, { inventory }) {
        const done = take(channel, inventory).finally(() => writing.delete(done));
        writing.add(done);
      },
    },
  });
  return {
    async close() {
      await Promise.all(writing);
    },
  };
};

/** Ten thousand agents that reconnect send what is known already: that costs a read each, and no write. */
const isStale = async (
  store: Store,
  { guid, context }: AgentChannel,
  inventory: Inventory,
): Promise<boolean> => {
  if (context === 'user') {
    const system = await store.read
      .selectFrom('device_context')
      .select('guid')
      .where('guid', '=', guid)
      .where('context', '=', 'system')
      .executeTakeFirst();
    if (system) return true;
  }
  const known = await store.read
    .selectFrom('inventory')
    .select('document_json')
    .where('guid', '=', guid)
    .executeTakeFirst();
  return known !== undefined && facts(JSON.parse(known.document_json) as Inventory) === facts(inventory);
};

/** All but the time at which it was collected. Both sides were written by the same schema, so keys are in one order. */
const facts = ({ collected_at: _, ...rest }: Inventory): string => JSON.stringify(rest);

const put = async (
  tx: Transaction,
  events: EventLog,
  { guid, name }: AgentChannel,
  inventory: Inventory,
): Promise<void> => {
  const device = await tx.db.selectFrom('device').select('guid').where('guid', '=', guid).executeTakeFirst();
  if (!device) return;
  const known = await tx.db
    .selectFrom('inventory')
    .select('document_json')
    .where('guid', '=', guid)
    .executeTakeFirst();
  const changed = known ? changedParts(JSON.parse(known.document_json) as Inventory, inventory) : [];
  if (known && changed.length === 0) return;
  const row = { collected_at: Date.parse(inventory.collected_at), document_json: JSON.stringify(inventory) };
  await tx.db
    .insertInto('inventory')
    .values({ guid, ...row })
    .onConflict((conflict) => conflict.column('guid').doUpdateSet(row))
    .execute();
  await events.record(tx, {
    type: 'device.inventory',
    device: { guid, name },
    message: known ? `The inventory of ${name} changed: ${changed.join(', ')}` : `${name} sent its inventory`,
    data: { changed },
  });
};

const changedParts = (before: Inventory, after: Inventory): string[] =>
  (Object.keys(after) as (keyof Inventory)[]).filter(
    (part) => part !== 'collected_at' && JSON.stringify(before[part]) !== JSON.stringify(after[part]),
  );
