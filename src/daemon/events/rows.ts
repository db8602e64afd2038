import type { Event, EventType } from '../../protocol/event.ts';
import type { EventTable } from '../../store/schema.ts';

export const asEvent = (row: EventTable): Event => ({
  id: row.id,
  at: new Date(row.at).toISOString(),
  type: row.type as EventType,
  device: row.device,
  guid: row.guid,
  message: row.message,
  data: JSON.parse(row.data_json),
});
