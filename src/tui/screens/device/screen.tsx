/** One device: what it is, how it fares, what happened to it, its tunnel and its shells. */
import { Box } from 'ink';
import type { Device, Inventory } from '../../../protocol/device.ts';
import type { Event } from '../../../protocol/event.ts';
import type { TelemetrySample } from '../../../protocol/telemetry.ts';
import type { App } from '../../app/app.ts';
import type { View } from '../../app/view.ts';
import { clock, dateTime } from '../../components/age.ts';
import { drawFacts, factsHeight, namesWidth } from '../../components/facts.ts';
import { panel } from '../../components/panel.ts';
import { Resource } from '../../data/resource.ts';
import { type Ports, tunnelCalls } from '../../data/tunnels.ts';
import { style } from '../../grid/style.ts';
import { Canvas } from '../../ink/canvas.tsx';
import { TextPane } from '../../overlays/text.ts';
import { openShell } from '../shell/open.ts';
import { actOnDevices } from './act.ts';
import { activityOf, drawActivity, earlierOf } from './activity.ts';
import { drawCharts } from './charts.ts';
import { connectionFacts, deviceFacts, inventoryLines } from './facts.ts';
import { type DeviceAction, deviceActions, deviceKeys } from './keys.ts';

/** Seconds, and how they are called. */
const SPANS = [
  [900, '15 minutes'],
  [3_600, 'hour'],
  [21_600, '6 hours'],
  [86_400, 'day'],
  [604_800, 'week'],
] as const;
const POINTS = 400;

export class DeviceScreen implements View {
  readonly noun = 'device';
  readonly bindings = deviceKeys;
  readonly guid: string;
  readonly #app: App;
  readonly #inventory: Resource<Inventory>;
  readonly #telemetry: Resource<TelemetrySample[]>;
  readonly #ports: Resource<Ports>;
  readonly #earlier: Resource<Event[]>;
  #name: string;
  #release: (() => void)[] = [];

  constructor(app: App, guid: string) {
    this.#app = app;
    this.guid = guid;
    this.#name = app.store.devices.byGuid.get(guid)?.name ?? guid.slice(0, 8);
    const { client } = app;
    const changed = (): void => app.host.later();
    this.#inventory = new Resource(
      {
        fetch: (signal) => client.call('device.inventory', { device: guid }, { signal }),
        events: ['device.inventory'],
      },
      changed,
    );
    this.#telemetry = new Resource(
      {
        fetch: (signal) => {
          const since = new Date(app.now() - this.#span * 1_000).toISOString();
          return client.call('telemetry.show', { device: guid, since, points: POINTS }, { signal });
        },
        events: [],
        everyMs: 30_000,
      },
      changed,
    );
    this.#ports = new Resource(
      {
        fetch: (signal) => tunnelCalls(client).call('tunnel.ports', { device: guid }, { signal }),
        events: ['device.changed'],
      },
      changed,
    );
    // What happens from then on is heard.
    this.#earlier = new Resource({ fetch: earlierOf(app, guid), events: [] }, changed);
  }

  get device(): Device | undefined {
    const device = this.#app.store.devices.byGuid.get(this.guid);
    if (device) this.#name = device.name;
    return device;
  }

  get title(): string {
    return this.#name;
  }

  get #span(): number {
    return this.#app.preferences.span;
  }

  enter(): void {
    const { store } = this.#app;
    this.#earlier.touch();
    this.#release = [
      store.look(this.#earlier),
      this.#inventory.watch(),
      this.#telemetry.watch(),
      this.#ports.watch(),
      store.tunnels.watch(),
      store.shells.watch(),
      store.onEvent(({ type, guid }) => {
        if (guid === this.guid) for (const one of [this.#inventory, this.#ports]) one.heard(type);
      }),
    ];
  }

  leave(): void {
    for (const release of this.#release) release();
    this.#release = [];
  }

  close(): void {
    for (const resource of [this.#inventory, this.#telemetry, this.#ports, this.#earlier]) resource.close();
  }

  act(action: string) {
    const { device } = this;
    if (!device) return this.#app.toasts.note('This device is not known any more.');
    if (action in deviceActions) return actOnDevices(this.#app, action as DeviceAction, [device]);
    switch (action) {
      case 'enter':
        return void openShell(this.#app, [device]);
      case 'longer':
        return this.#change(1);
      case 'shorter':
        return this.#change(-1);
      case 'inventory': {
        const found = this.#inventory.value;
        if (!found) return this.#app.toasts.note('It has sent no inventory yet.');
        this.#app.open(new TextPane(this.#app, `Inventory of ${device.name}`, () => inventoryLines(found)));
      }
    }
  }

  #change(by: number): void {
    const at = Math.max(
      0,
      SPANS.findIndex(([seconds]) => seconds >= this.#span),
    );
    const next = SPANS[Math.max(0, Math.min(SPANS.length - 1, at + by))];
    if (!next) return;
    this.#app.preferences.span = next[0];
    void this.#telemetry.refresh();
  }

  plain(): string[] {
    const { device } = this;
    if (!device) return [`${this.#name} is not known to the engine any more.`];
    const app = this.#app;
    const facts = [
      ...deviceFacts(app, device, this.#inventory.value),
      ...connectionFacts(app, device, this.#ports.value?.allowed_ports),
    ];
    const sample = app.store.measurements.newest(this.guid) ?? this.#telemetry.value?.at(-1);
    const share = (used: number | null, total: number | null): string =>
      used === null || !total ? '' : `${Math.round((100 * used) / total)}%`;
    return [
      ...facts.flatMap(([name, value]) => (value ? [`${name}: ${value}`] : [])),
      ...(sample
        ? [
            `Measured: processor ${Math.round(sample.cpu_percent)}%, memory ${share(sample.memory_used_bytes, sample.memory_total_bytes)}, disk ${share(sample.disk_used_bytes, sample.disk_total_bytes)}`,
          ]
        : []),
      'What happened last:',
      ...activityOf(app, device, this.#earlier, 5).map(({ at, message }) => `${clock(at)} ${message}`),
    ];
  }

  render() {
    const app = this.#app;
    const { device } = this;
    const { columns, rows } = app.host;
    if (!device)
      return (
        <Canvas
          flexGrow={1}
          draw={(surface) =>
            surface.text(2, 1, `${this.#name} is not known to the engine any more. Esc goes back.`)
          }
        />
      );
    const wide = columns >= 110;
    const events = Math.max(4, Math.min(10, Math.floor(rows / 4)));
    const spanName = SPANS.find(([seconds]) => seconds === this.#span)?.[1] ?? `${this.#span} s`;
    return (
      <Box flexDirection="column" flexGrow={1}>
        <Box flexDirection="row" flexGrow={1}>
          <Canvas
            width={wide ? 48 : 36}
            flexShrink={0}
            draw={(surface) => {
              const inner = panel(surface, { title: device.name, note: device.state });
              // Tunnel, ports and shells have their place in a small card too; what it is made of, `v` shows.
              const connection = connectionFacts(app, device, this.#ports.value?.allowed_ports);
              const facts = deviceFacts(app, device, this.#inventory.value);
              const names = namesWidth(facts);
              const below = factsHeight(inner.width, connection, 2, names);
              const above = inner.sub(0, 0, inner.width, inner.height - below);
              const used = drawFacts(above, facts, 2);
              drawFacts(inner.sub(0, Math.min(used + 1, above.height)), connection, 2, names);
            }}
          />
          <Canvas
            flexGrow={1}
            draw={(surface) => {
              const inner = panel(surface, { title: `The last ${spanName}`, note: '- + span' });
              this.#drawCharts(inner);
            }}
          />
        </Box>
        <Canvas
          height={events + 2}
          flexShrink={0}
          draw={(surface) => drawActivity(panel(surface, { title: 'Activity' }), app, device, this.#earlier)}
        />
      </Box>
    );
  }

  #drawCharts(inner: Parameters<typeof drawCharts>[0]): void {
    const samples = this.#telemetry.value;
    const { error } = this.#telemetry;
    if (!samples || samples.length === 0) {
      const lines = samples
        ? ['Nothing was measured in this span.', 'Agents measure each 30 seconds; - shows a longer span.']
        : error
          ? [error.message, error.next]
          : ['Asking the engine…'];
      for (const [y, line] of lines.entries()) inner.text(0, y, line, style(y === 0 ? 'text' : 'muted'));
      return;
    }
    const until = this.#app.now();
    const since = until - this.#span * 1_000;
    drawCharts(inner.sub(0, 0, inner.width, inner.height - 1), samples, { since, until });
    const from = dateTime(new Date(since).toISOString()).slice(5, 16);
    inner.text(0, inner.height - 1, from, style('faint'));
    inner.text(inner.width - 3, inner.height - 1, 'now', style('faint'));
  }
}
