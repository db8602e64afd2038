/** All devices, kept current by events: a change costs one request for the one device, a storm of them one for all. */
import type { Client } from '../../client/client.ts';
import type { Device, DeviceState } from '../../protocol/device.ts';
import type { Event } from '../../protocol/event.ts';
import { asTold, isAway, type Told } from './told.ts';

const SETTLE_MS = 300;
/** Of more changed devices at once the whole list is asked for. */
const ONE_BY_ONE = 24;
const WHOLE_LIST_MS = 10_000;
const PAGE = 1_000;

const STATE_AFTER: Readonly<Record<string, DeviceState>> = {
  'device.online': 'online',
  'device.offline': 'offline',
  'device.quarantined': 'quarantined',
  'device.revoked': 'revoked',
};

export class Devices {
  readonly #client: Client;
  readonly #changed: () => void;
  readonly byGuid = new Map<string, Device>();
  version = 0;
  loaded = false;
  error: Told | undefined;
  readonly #dirty = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #lastWhole = 0;
  #loading = false;
  #abort = new AbortController();

  constructor(client: Client, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
  }

  /** By its GUID, or by its name. */
  find(ref: string): Device | undefined {
    const device = this.byGuid.get(ref);
    if (device) return device;
    for (const one of this.byGuid.values()) if (one.name === ref) return one;
    return undefined;
  }

  /** Page by page, so that keys are answered in between. */
  async load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    this.#lastWhole = performance.now();
    const { signal } = this.#abort;
    try {
      const seen = new Set<string>();
      let cursor: string | null | undefined;
      do {
        const page = await this.#client.call(
          'device.list',
          { limit: PAGE, ...(cursor && { cursor }) },
          { signal },
        );
        for (const device of page.items) {
          seen.add(device.guid);
          this.byGuid.set(device.guid, renewed(this.byGuid.get(device.guid), device));
        }
        cursor = page.next_cursor;
        this.#bump();
      } while (cursor);
      for (const guid of this.byGuid.keys()) if (!seen.has(guid)) this.byGuid.delete(guid);
      this.loaded = true;
      this.error = undefined;
    } catch (thrown) {
      if (signal.aborted) return;
      this.error = asTold(thrown);
    } finally {
      this.#loading = false;
    }
    this.#bump();
  }

  heard({ type, guid, at }: Event): void {
    if (guid === null || !type.startsWith('device.')) return;
    if (type === 'device.removed') {
      this.byGuid.delete(guid);
      this.#bump();
      return;
    }
    if (type === 'device.inventory') return;
    const state = STATE_AFTER[type];
    const device = this.byGuid.get(guid);
    // One that is shut out goes offline too, and is still what it was made.
    const shutOut = device?.state === 'quarantined' || device?.state === 'revoked';
    if (device && state && !(shutOut && (state === 'online' || state === 'offline'))) {
      this.byGuid.set(guid, { ...device, state, last_seen: at });
      this.#bump();
    }
    this.#dirty.add(guid);
    this.#timer ??= setTimeout(() => void this.#refresh(), SETTLE_MS);
  }

  async #refresh(): Promise<void> {
    const guids = [...this.#dirty];
    if (guids.length > ONE_BY_ONE) {
      const wait = this.#lastWhole + WHOLE_LIST_MS - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => void this.#refresh(), wait);
        return;
      }
    }
    this.#timer = undefined;
    this.#dirty.clear();
    if (guids.length > ONE_BY_ONE) return this.load();
    await Promise.all(guids.map((guid) => this.#refreshOne(guid)));
    this.#bump();
  }

  async #refreshOne(guid: string): Promise<void> {
    try {
      this.byGuid.set(
        guid,
        await this.#client.call('device.show', { device: guid }, { signal: this.#abort.signal }),
      );
    } catch (thrown) {
      // Removed meanwhile; where the engine is away, the list is loaded when it is back.
      if (!isAway(thrown) && !this.#abort.signal.aborted) this.byGuid.delete(guid);
    }
  }

  #bump(): void {
    this.version++;
    this.#changed();
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }
}

/**
 * What is told of a device, in the objects that are kept of it where they say the same: of ten thousand that are told
 * anew in a storm, all but what has changed is gone at once.
 */
export const renewed = (known: Device | undefined, told: Device): Device => {
  if (!known) return told;
  let changed = false;
  for (const key of Object.keys(told) as (keyof Device)[]) {
    if (same(known[key], told[key])) keep(told, known, key);
    else changed = true;
  }
  return changed ? told : known;
};

const same = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));

const keep = <K extends keyof Device>(to: Device, from: Device, key: K): void => {
  to[key] = from[key];
};
