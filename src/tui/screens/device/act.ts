/** What can be done to devices, one or several. The engine decides whether; here it is asked for and told. */
import type { Device } from '../../../protocol/device.ts';
import type { InputOf } from '../../../protocol/operations.ts';
import { plural } from '../../../text/size.ts';
import type { App } from '../../app/app.ts';
import { asTold } from '../../data/told.ts';
import { tunnelCalls } from '../../data/tunnels.ts';
import { splitWords } from '../../overlays/command-words.ts';
import { confirm } from '../../overlays/confirm.ts';
import { menu } from '../../overlays/menu.ts';
import { ask } from '../../overlays/prompt.ts';
import { openJob } from '../job/open.ts';
import { openShell } from '../shell/open.ts';
import type { DeviceAction } from './keys.ts';

export const namesOf = (devices: readonly { readonly name: string }[], most = 4): string => {
  const names = devices.slice(0, most).map(({ name }) => name);
  if (devices.length > most) names.push(`${devices.length - most} more`);
  const last = names.pop() ?? '';
  return names.length === 0 ? last : `${names.join(', ')} and ${last}`;
};

export const actOnDevices = (app: App, action: DeviceAction, devices: readonly Device[]) => {
  const [first] = devices;
  if (!first) return;
  switch (action) {
    case 'shell':
      return void openShell(app, devices);
    case 'run':
      return runCommandOn(app, devices);
    case 'script':
      return void runScriptOn(app, devices);
    case 'tag':
      return tag(app, devices);
    case 'site':
      return site(app, devices);
    case 'rename':
      return rename(app, first);
    case 'connect':
      return void app.performEach(
        devices,
        ({ guid }) => tunnelCalls(app.client).call('tunnel.connect', { device: guid }),
        (what) => `The tunnel of ${what} is up.`,
        nameOf,
      );
    case 'disconnect':
      return disconnect(app, devices);
    case 'ports':
      return void ports(app, first);
    case 'quarantine':
      return quarantine(app, devices);
    case 'revoke':
      return revoke(app, devices);
    case 'remove':
      return remove(app, devices);
  }
};

const nameOf = ({ name }: Device): string => name;

const runCommandOn = (app: App, devices: readonly Device[]): void =>
  ask(app, {
    title: `Run on ${namesOf(devices)}`,
    text: 'A program and its arguments, as root, signed for these devices alone. Those that are offline get it when they return.',
    yes: 'run',
    check: (value) => {
      const words = splitWords(value);
      if (words === undefined) return 'A quote is still open.';
      return words.length === 0 ? 'Type a command, for example: uptime' : undefined;
    },
    run: (value) =>
      startJob(app, {
        devices: devices.map(({ guid }) => guid),
        work: { kind: 'command', argv: splitWords(value) ?? [] },
      }),
  });

export const startJob = async (app: App, input: InputOf<'job.create'>): Promise<void> => {
  try {
    const job = await app.client.call('job.create', input);
    openJob(app, job.id);
  } catch (thrown) {
    app.toasts.failed(asTold(thrown));
  }
};

const runScriptOn = async (app: App, devices: readonly Device[]): Promise<void> => {
  await app.store.scripts.refresh();
  const scripts = app.store.scripts.value ?? [];
  if (scripts.length === 0)
    return app.toasts.note('No scripts are stored yet. Add one with  :script add FILE');
  menu(app, {
    title: `Run a script on ${namesOf(devices)}`,
    choices: scripts.map(({ name, description }, index) => ({
      key: index < 9 ? String(index + 1) : ' ',
      title: name,
      ...(description && { note: description }),
      run: () =>
        startJob(app, {
          devices: devices.map(({ guid }) => guid),
          work: { kind: 'script', script: name },
        }),
    })),
  });
};

const tag = (app: App, devices: readonly Device[]): void =>
  ask(app, {
    title: `Tags of ${namesOf(devices)}`,
    text: 'KEY=VALUE sets a tag, -KEY removes it; several are parted by blanks.',
    yes: 'set',
    check: (value) =>
      value !== '' && value.split(/\s+/).every((word) => /^-[^=]+$|^[^=-][^=]*=.+$/.test(word))
        ? undefined
        : 'Write it like  env=prod -old',
    run: (value) => {
      const words = value.split(/\s+/);
      const remove = words.flatMap((word) => (word.startsWith('-') ? [word.slice(1)] : []));
      const set = Object.fromEntries(
        words
          .filter((word) => !word.startsWith('-'))
          .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
      );
      return app.performEach(
        devices,
        ({ guid }) =>
          app.client.call('device.tag', {
            device: guid,
            ...(Object.keys(set).length > 0 && { set }),
            ...(remove.length > 0 && { remove }),
          }),
        (what) => `Tags of ${what} are set.`,
        nameOf,
      );
    },
  });

const site = (app: App, devices: readonly Device[]): void => {
  const sites = (): string[] => [
    ...new Set(
      [...app.store.devices.byGuid.values()].flatMap((device) => (device.site === null ? [] : [device.site])),
    ),
  ];
  ask(app, {
    title: `Site of ${namesOf(devices)}`,
    text: 'Empty takes it out of its site.',
    value: devices[0]?.site ?? '',
    yes: 'set',
    complete: (value) => sites().filter((name) => name.startsWith(value)),
    run: (value) =>
      app.performEach(
        devices,
        ({ guid }) => app.client.call('device.tag', { device: guid, site: value === '' ? null : value }),
        (what) => (value === '' ? `${what}: in no site.` : `${what}: in ${value}.`),
        nameOf,
      ),
  });
};

const rename = (app: App, { guid, name }: Device): void =>
  ask(app, {
    title: `Rename ${name}`,
    value: name,
    yes: 'rename',
    check: (value) => (value === '' ? 'It needs a name.' : undefined),
    run: (value) =>
      void app.perform(
        () => app.client.call('device.rename', { device: guid, name: value }),
        `${name} is ${value} now.`,
      ),
  });

const disconnect = (app: App, devices: readonly Device[]): void =>
  confirm(app, {
    title: 'Tear the tunnel down',
    text: `The tunnel of ${namesOf(devices)} ends for all its operators, with their shells and forwards.`,
    yes: 'tear down',
    run: () =>
      app.performEach(
        devices,
        ({ guid }) => tunnelCalls(app.client).call('tunnel.disconnect', { device: guid }),
        (what) => `The tunnel of ${what} is down.`,
        nameOf,
      ),
  });

const ports = async (app: App, { guid, name }: Device): Promise<void> => {
  try {
    const { allowed_ports: allowed } = await tunnelCalls(app.client).call('tunnel.ports', { device: guid });
    ask(app, {
      title: `Ports of ${name}`,
      text: 'Ports of the device that its tunnel may reach, like  22, 3389/tcp, 53/udp. A tunnel that is up stays up.',
      value: allowed.join(', '),
      yes: 'set',
      run: (value) =>
        void app.perform(
          () =>
            tunnelCalls(app.client).call('tunnel.allow', {
              device: guid,
              ports: value.split(/[\s,]+/).filter(Boolean),
            }),
          `The ports of ${name} are set.`,
        ),
    });
  } catch (thrown) {
    app.toasts.failed(asTold(thrown));
  }
};

const quarantine = (app: App, devices: readonly Device[]): void => {
  const inside = devices.filter(({ state }) => state === 'quarantined');
  if (inside.length === devices.length)
    return void app.performEach(
      inside,
      ({ guid }) => app.client.call('device.release', { device: guid }),
      (what) => `${what}: no longer in quarantine.`,
      nameOf,
    );
  const others = devices.filter(({ state }) => state !== 'quarantined');
  confirm(app, {
    title: 'Quarantine',
    text: `${namesOf(others)} (${plural(others.length, 'device')}) will be cut off from commands, shells and tunnels at once. The enrolment is kept, and Q ends the quarantine.`,
    yes: 'quarantine',
    run: () =>
      app.performEach(
        others,
        ({ guid }) => app.client.call('device.quarantine', { device: guid }),
        (what) => `${what}: in quarantine.`,
        nameOf,
      ),
  });
};

const revoke = (app: App, devices: readonly Device[]): void =>
  confirm(app, {
    title: 'Revoke',
    text: `The certificates and tokens of ${namesOf(devices)} (${plural(devices.length, 'device')}) end at once. Each must be enrolled again, with a new code and a new approval.`,
    yes: 'revoke',
    run: () =>
      app.performEach(
        devices,
        ({ guid }) => app.client.call('device.revoke', { device: guid }),
        (what) => `${what}: revoked.`,
        nameOf,
      ),
  });

const remove = (app: App, devices: readonly Device[]): void =>
  confirm(app, {
    title: 'Remove',
    text: `${namesOf(devices)} (${plural(devices.length, 'device')}) will be revoked and forgotten, with telemetry and inventory. This cannot be undone.`,
    yes: 'remove',
    run: async () => {
      await app.performEach(
        devices,
        ({ guid }) => app.client.call('device.remove', { device: guid }),
        (what) => `${what}: removed.`,
        nameOf,
      );
      if (app.stack.length > 1) app.back();
    },
  });
