/** The first screen: how the fleet is, what needs attention, what happens. */
import { Box } from 'ink';
import { plural } from '../../../text/size.ts';
import type { App } from '../../app/app.ts';
import type { View } from '../../app/view.ts';
import { clock } from '../../components/age.ts';
import { drawEvents } from '../../components/events.ts';
import { panel } from '../../components/panel.ts';
import { BOLD, style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';
import { Canvas } from '../../ink/canvas.tsx';
import { ListModel } from '../../list/model.ts';
import { newCode } from '../code/create.ts';
import { type Concern, concerns } from './attention.ts';
import { countSites, drawHealth, type SiteCount } from './health.ts';
import { overviewKeys } from './keys.ts';

/** Counting ten thousand devices takes a few milliseconds: of all time at most such a part goes into it. */
const COUNT_SHARE = 0.02;
/** To a screen reader. */
const EVENTS_TOLD = 5;
const FILLS = { flexGrow: 1, flexBasis: 0 } as const;

export class OverviewScreen implements View {
  readonly noun = 'overview';
  readonly title = 'overview';
  readonly bindings = overviewKeys;
  readonly list: ListModel<Concern>;
  readonly #app: App;
  #concerns: readonly Concern[] = [];
  #sites: readonly SiteCount[] = [];
  #nextCount = 0;
  #recount: NodeJS.Timeout | undefined;
  #version = 0;

  constructor(app: App) {
    this.#app = app;
    this.list = new ListModel<Concern>({
      items: () => this.#concerns,
      version: () => this.#version,
      id: ({ id }) => id,
      columns: [{ id: 'text', title: '', width: 20, grow: 1, text: ({ text }) => text }],
    });
  }

  enter(): void {
    this.#nextCount = 0;
  }

  leave(): void {
    clearTimeout(this.#recount);
    this.#recount = undefined;
  }

  act(action: string): void {
    if (action === 'code') newCode(this.#app);
    else if (action === 'approvals') this.#app.go('approval');
    else this.list.current()?.go(this.#app);
  }

  #count(): void {
    const now = performance.now();
    if (now < this.#nextCount) {
      // What came in the meantime is counted even if nothing comes after it.
      this.#recount ??= setTimeout(() => {
        this.#recount = undefined;
        this.#app.host.later();
      }, this.#nextCount - now);
      return;
    }
    this.#concerns = concerns(this.#app);
    this.#sites = countSites(this.#app);
    this.#version++;
    const cost = performance.now() - now;
    this.#nextCount = now + cost / COUNT_SHARE;
  }

  render() {
    const app = this.#app;
    this.#count();
    const { columns, rows } = app.host;
    const wide = columns >= 100;
    const top = Math.max(8, Math.floor((rows - 4) * 0.45));
    const { devices, status } = app.store;
    const isNew = devices.loaded && devices.byGuid.size === 0 && (status.value?.devices.total ?? 0) === 0;
    const health = (
      <Canvas
        {...(wide
          ? FILLS
          : { height: isNew ? 5 : rows < 30 ? 7 : Math.min(12, 8 + this.#sites.length), flexShrink: 0 })}
        draw={(surface) => drawHealth(panel(surface, { title: 'Fleet' }), app, this.#sites)}
      />
    );
    const attention = (
      <Canvas
        flexGrow={1}
        flexBasis={0}
        draw={(surface) => (isNew ? drawWelcome(surface) : this.#drawAttention(surface))}
      />
    );
    return (
      <Box flexDirection="column" flexGrow={1}>
        <Box
          {...(wide ? { height: top } : { ...FILLS, flexGrow: isNew ? 4 : 3 })}
          flexShrink={0}
          flexDirection={wide ? 'row' : 'column'}
        >
          {health}
          {attention}
        </Box>
        <Canvas
          flexGrow={1}
          flexBasis={0}
          minHeight={4}
          draw={(surface) => {
            const inner = panel(surface, { title: 'Events' });
            if (app.store.events.length === 0)
              inner.text(0, 0, 'What happens from now on is shown here.', style('muted'));
            drawEvents(inner, app.store.events);
          }}
        />
      </Box>
    );
  }

  get asks(): boolean {
    const { devices, status } = this.#app.store;
    return !(devices.loaded || devices.error) || !(status.value || status.error);
  }

  get emptyLines(): readonly string[] {
    return this.#app.store.devices.byGuid.size === 0 ? WELCOME : ['Nothing needs attention.'];
  }

  plain(): string[] {
    this.#count();
    const { status, events } = this.#app.store;
    const devices = status.value?.devices;
    if (!devices) return ['Asking the engine.'];
    const counts = `${plural(devices.total, 'device')}: ${devices.online} online, ${devices.offline} offline, ${devices.quarantined} in quarantine.`;
    const last = events.slice(-EVENTS_TOLD).map(({ at, message }) => `${clock(at)} ${message}`);
    return [
      counts,
      `${status.value?.jobs_running} jobs running, ${status.value?.tunnels} tunnels.`,
      ...this.#sites.map(({ site, total, online }) => `${site}: ${online} of ${total} online`),
      ...(last.length > 0 ? ['The last events:', ...last] : []),
      ...(this.#concerns.length > 0 ? [`${this.#concerns.length} need attention:`] : []),
    ];
  }

  #drawAttention(surface: Surface): void {
    const inner = panel(surface, { title: 'Needs attention', focus: this.#concerns.length > 0 });
    if (this.#concerns.length === 0) {
      inner.text(
        0,
        0,
        this.#app.store.devices.loaded ? '✓ Nothing. All is well.' : 'Asking the engine…',
        style('good'),
      );
      return;
    }
    const { items, offset } = this.list.window(inner.height);
    for (const [y, { role, text, next }] of items.entries()) {
      inner.text(0, y, '■', style(role));
      const room = inner.width - 2;
      const used = inner.text(2, y, text, style(), room);
      if (used + next.length + 2 <= room) inner.text(inner.width - next.length, y, next, style('faint'));
      if (offset + y === this.list.index) inner.tint(y, 'selected');
    }
  }
}

const WELCOME = [
  'No devices yet. Four steps to the first one:',
  '',
  '1  n makes an enrolment code: a link.',
  '2  On the machine to be managed, as root, then paste it:',
  '       borealis-agent enroll -',
  '3  a shows who waits: compare the key, approve.',
  '4  There again: borealis-agent run',
  '',
  '? shows the keys, Ctrl-P finds everything.',
];

const drawWelcome = (surface: Surface): void => {
  const inner = panel(surface, { title: 'Welcome', focus: true });
  for (const [y, line] of WELCOME.entries())
    inner.text(0, y, line, style('text', 'page', y === 0 ? BOLD : 0));
};
