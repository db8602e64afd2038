/** All devices. */
import type { Device } from '../../../protocol/device.ts';
import type { App } from '../../app/app.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { menu } from '../../overlays/menu.ts';
import { newCode } from '../code/create.ts';
import { openShell } from '../shell/open.ts';
import { actOnDevices } from './act.ts';
import { deviceColumns, tagText } from './columns.ts';
import { type DeviceAction, deviceActions, deviceListKeys } from './keys.ts';
import { openDevice } from './open.ts';

const EMPTY = [
  'No devices yet.',
  '',
  'n makes an enrolment code: a link that an agent is given, on the machine that shall be managed:',
  '    borealis-agent enroll -',
  'It then waits among the approvals for you to compare its key.',
];

export class DeviceList extends ListScreen<Device> {
  constructor(app: App) {
    const { devices } = app.store;
    let items: readonly Device[] = [];
    let version = -1;
    super(app, {
      noun: 'device',
      title: 'devices',
      bindings: deviceListKeys,
      items: () => {
        if (version !== devices.version) {
          version = devices.version;
          items = [...devices.byGuid.values()];
        }
        return items;
      },
      version: () => devices.version,
      id: ({ guid }) => guid,
      columns: deviceColumns(app),
      haystack: ({ name, hostname, state, site, tags, os, arch, address, guid }) =>
        `${name} ${hostname} ${state} ${site ?? ''} ${tagText(tags)} ${os} ${arch} ${address ?? ''} ${guid}`,
      sort: { column: 'name' },
      empty: EMPTY,
      loading: () => !devices.loaded && devices.error === undefined,
      problem: () =>
        devices.error && devices.byGuid.size === 0 ? [devices.error.message, devices.error.next] : undefined,
    });
  }

  act(action: string) {
    if (action in deviceActions) return actOnDevices(this.app, action as DeviceAction, this.list.chosen());
    const current = this.list.current();
    switch (action) {
      case 'enter':
        if (this.list.marks.size === 0 && current?.state !== 'online') return this.#open(current);
        return void openShell(this.app, this.list.chosen());
      case 'open':
        return this.#open(current);
      case 'add':
        return newCode(this.app);
      case 'states':
        return this.#states();
      case 'columns':
        return this.#columns();
    }
  }

  #open(device: Device | undefined): void {
    if (device) openDevice(this.app, device.guid);
  }

  #states(): void {
    const only = (state: string) => ({
      key: state.charAt(0),
      title: state,
      run: () => this.#filter(state),
    });
    menu(this.app, {
      title: 'Show only',
      choices: [
        { key: 'a', title: 'all', run: () => this.#filter('') },
        ...['online', 'quarantined', 'revoked', 'pending'].map(only),
        { ...only('offline'), key: 'f' },
      ],
    });
  }

  #filter(text: string): void {
    this.list.filter = text;
  }

  #columns(): void {
    const remembered = this.app.preferences.lists;
    const hidden = new Set(remembered[this.noun]?.hidden ?? []);
    menu(this.app, {
      title: 'Columns',
      text: 'Choose one to show or to hide it. Narrow terminals leave some out by themselves.',
      choices: this.list.options.columns
        .filter(({ id }) => id !== 'name')
        .map(({ id, title }, index) => ({
          key: String(index + 1),
          title: `${hidden.has(id) ? ' ' : '✓'} ${title.toLowerCase()}`,
          run: () => {
            if (!hidden.delete(id)) hidden.add(id);
            remembered[this.noun] = { ...remembered[this.noun], hidden: [...hidden] };
            this.#columns();
          },
        })),
    });
  }
}
