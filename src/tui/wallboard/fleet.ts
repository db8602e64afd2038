/** What a wall shows of a fleet, from lists and streams of the local API. No drawing, no clock and no socket of its own. */
import type { Device } from '../../protocol/device.ts';
import type { Status } from '../../protocol/engine.ts';
import type { Event } from '../../protocol/event.ts';
import type { TelemetrySample } from '../../protocol/telemetry.ts';

/** Percent of what there is, above which a machine is in trouble. */
const TIGHT = { cpu: 90, memory: 90, disk: 90 } as const;
/** Measurements older than this say nothing of now: three rounds of telemetry. */
export const STALE_MS = 100_000;
const ALERT_MS = 3_600_000;
const EVENTS_KEPT = 100;

/** Of one moment, over all devices that measured lately. Percent; bytes a second. Null where none did. */
export interface Point {
  readonly at: number;
  readonly cpu: number | null;
  readonly memory: number | null;
  readonly received: number;
  readonly sent: number;
}

export interface Load {
  readonly device: Device;
  readonly cpu: number;
  readonly memory: number;
  /** Null where the platform does not tell. */
  readonly disk: number | null;
}

export interface SiteView {
  readonly site: string;
  readonly devices: number;
  readonly online: number;
  /** Null where nobody there has measured lately. */
  readonly cpu: number | null;
}

export interface Alert {
  readonly grave: boolean;
  readonly text: string;
}

export interface FleetSummary {
  readonly devices: number;
  readonly online: number;
  readonly cpu: number | null;
  readonly memory: number | null;
  readonly received_bytes_per_s: number;
  readonly sent_bytes_per_s: number;
  readonly alerts: readonly string[];
}

export class Fleet {
  /** Newest last. */
  readonly points: Point[] = [];
  readonly events: Event[] = [];
  status: Status | undefined;
  readonly #devices = new Map<string, Device>();
  readonly #samples = new Map<string, TelemetrySample>();
  readonly #pointsKept: number;

  constructor(pointsKept: number) {
    this.#pointsKept = pointsKept;
  }

  load(devices: readonly Device[], status: Status): void {
    this.status = status;
    this.#devices.clear();
    for (const device of devices) this.#devices.set(device.guid, device);
    for (const guid of this.#samples.keys()) if (!this.#devices.has(guid)) this.#samples.delete(guid);
  }

  measured(guid: string, sample: TelemetrySample): void {
    this.#samples.set(guid, sample);
  }

  /** What happened before the lists were read: shown, and nothing else. */
  remember(event: Event): void {
    this.events.push(event);
    if (this.events.length > EVENTS_KEPT) this.events.shift();
  }

  /** True where the lists must be read again for the picture to be right. */
  happened(event: Event): boolean {
    this.remember(event);
    const device = event.guid === null ? undefined : this.#devices.get(event.guid);
    if (device && (event.type === 'device.online' || event.type === 'device.offline')) {
      const state = event.type === 'device.online' ? 'online' : 'offline';
      if (device.state === 'online' || device.state === 'offline')
        this.#devices.set(device.guid, { ...device, state, last_seen: event.at });
      return false;
    }
    return /^(device|approval|config|security|stream|engine)\./.test(event.type);
  }

  /** Closes one moment; to be called at equal distances. */
  tick(now: number): void {
    const loads = this.loads(now);
    let received = 0;
    let sent = 0;
    for (const { device } of loads) {
      received += this.#samples.get(device.guid)?.network_rx_bytes_per_s ?? 0;
      sent += this.#samples.get(device.guid)?.network_tx_bytes_per_s ?? 0;
    }
    const cpu = mean(loads.map((load) => load.cpu));
    const memory = mean(loads.map((load) => load.memory));
    this.points.push({ at: now, cpu, memory, received, sent });
    if (this.points.length > this.#pointsKept) this.points.shift();
  }

  get total(): number {
    return this.#devices.size;
  }

  get online(): number {
    let count = 0;
    for (const { state } of this.#devices.values()) if (state === 'online') count++;
    return count;
  }

  /** Of devices that are online and measured lately. */
  loads(now: number): Load[] {
    const loads: Load[] = [];
    for (const [guid, sample] of this.#samples) {
      const device = this.#devices.get(guid);
      if (device?.state !== 'online' || now - Date.parse(sample.at) > STALE_MS) continue;
      loads.push({
        device,
        cpu: sample.cpu_percent,
        memory: percent(sample.memory_used_bytes, sample.memory_total_bytes) ?? 0,
        disk: percent(sample.disk_used_bytes, sample.disk_total_bytes),
      });
    }
    return loads;
  }

  /** Largest first. */
  sites(now: number): SiteView[] {
    const sites = new Map<string, { devices: number; online: number; cpu: number[] }>();
    const at = (device: Device) => {
      const name = device.site ?? '(none)';
      const site = sites.get(name) ?? { devices: 0, online: 0, cpu: [] };
      sites.set(name, site);
      return site;
    };
    for (const device of this.#devices.values()) {
      const site = at(device);
      site.devices++;
      if (device.state === 'online') site.online++;
    }
    for (const { device, cpu } of this.loads(now)) at(device).cpu.push(cpu);
    return [...sites]
      .map(([site, { devices, online, cpu }]) => ({ site, devices, online, cpu: mean(cpu) }))
      .sort((a, b) => b.devices - a.devices || (a.site < b.site ? -1 : 1));
  }

  /** What needs somebody, gravest first. */
  alerts(now: number): Alert[] {
    const alerts: Alert[] = [];
    const say = (grave: boolean, count: number, one: string, many: string): void => {
      if (count > 0) alerts.push({ grave, text: count === 1 ? `1 ${one}` : `${count} ${many}` });
    };
    const security = this.events.filter(
      ({ type, at }) => type === 'security.alert' && now - Date.parse(at) < ALERT_MS,
    );
    say(true, security.length, 'security alert in the last hour', 'security alerts in the last hour');
    const states = [...this.#devices.values()].map(({ state }) => state);
    say(true, states.filter((state) => state === 'offline').length, 'device offline', 'devices offline');
    for (const { device, cpu, memory, disk } of this.loads(now)) {
      if (disk !== null && disk >= TIGHT.disk)
        alerts.push({ grave: true, text: `${device.name}: disk ${Math.round(disk)}% full` });
      if (memory >= TIGHT.memory)
        alerts.push({ grave: false, text: `${device.name}: memory ${Math.round(memory)}%` });
      if (cpu >= TIGHT.cpu) alerts.push({ grave: false, text: `${device.name}: CPU ${Math.round(cpu)}%` });
    }
    say(false, this.status?.approvals_waiting ?? 0, 'approval waiting', 'approvals waiting');
    const quarantined = states.filter((state) => state === 'quarantined').length;
    say(false, quarantined, 'device quarantined', 'devices quarantined');
    // Those that wait for approval are counted above.
    for (const { code, message } of this.status?.warnings ?? [])
      if (code !== 'approvals_waiting') alerts.push({ grave: false, text: message });
    return alerts.sort((a, b) => Number(b.grave) - Number(a.grave));
  }

  summary(now: number): FleetSummary {
    const last = this.points.at(-1);
    return {
      devices: this.total,
      online: this.online,
      cpu: last?.cpu ?? null,
      memory: last?.memory ?? null,
      received_bytes_per_s: last?.received ?? 0,
      sent_bytes_per_s: last?.sent ?? 0,
      alerts: this.alerts(now).map(({ text }) => text),
    };
  }
}

/** Rounded to a tenth; null where there is nothing to take it of. */
const mean = (values: readonly number[]): number | null =>
  values.length === 0
    ? null
    : Math.round((10 * values.reduce((sum, value) => sum + value, 0)) / values.length) / 10;

const percent = (part: number | null, whole: number | null): number | null =>
  part === null || !whole ? null : (100 * part) / whole;
