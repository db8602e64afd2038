/** What a device is made of, as people see it. */
import type { Inventory } from '../../protocol/device.ts';
import type { Output } from '../manner/output.ts';
import { bytes, plural } from '../manner/size.ts';
import { type Column, type Fact, facts, table } from '../manner/table.ts';

const words = (...parts: readonly (string | null)[]): string | null =>
  parts.filter((part) => part !== null && part !== '').join(' ') || null;

/** The short of it, for the card of a device. */
export const inventoryFacts = ({ system, os, cpu, memory_bytes: memory, disks }: Inventory): Fact[] => [
  ['Machine', machineText(system)],
  ['Operating system', words(os.distribution, os.release)],
  ['Processor', words(cpu.model, `(${plural(cpu.cores, 'core')})`)],
  ['Installed memory', bytes(memory)],
  [
    'Disks',
    disks.length === 0
      ? null
      : disks
          .slice(0, 4)
          .map(({ mount, size_bytes: size }) => `${mount} ${bytes(size)}`)
          .concat(disks.length > 4 ? [`and ${disks.length - 4} more`] : [])
          .join(', '),
  ],
];

const machineText = ({ manufacturer, model, virtual }: Inventory['system']): string | null =>
  words(manufacturer, model, virtual === true ? '(virtual)' : null);

/** All of it. */
export const inventoryCard = (out: Output, inventory: Inventory): string[] => {
  const { system, os, cpu } = inventory;
  const rows: Fact[] = [
    ['Collected', out.moment(inventory.collected_at)],
    ['Host name', os.hostname],
    ['Machine', machineText(system)],
    ['Serial number', system.serial],
    ['Operating system', words(os.distribution, os.release)],
    ['Kernel', words(os.platform, os.kernel)],
    ['Time zone', os.timezone],
    ['Processor', cpu.model],
    ['Cores', coresText(cpu)],
    ['Memory', bytes(inventory.memory_bytes)],
    ['Verbs', inventory.verbs.join(', ')],
  ];
  return [
    ...facts(rows, out.paint),
    ...section(out, inventory.disks, DISKS),
    ...section(out, inventory.interfaces, INTERFACES),
    ...section(out, inventory.routes, ROUTES),
    ...section(out, inventory.interpreters, INTERPRETERS),
  ];
};

const coresText = ({ cores, physical_cores: physical, speed_mhz: speed }: Inventory['cpu']): string =>
  [
    physical === null || physical === cores ? String(cores) : `${cores} (${physical} physical)`,
    ...(speed === null ? [] : [`${(speed / 1_000).toFixed(1)} GHz`]),
  ].join(', ');

const section = <T>(out: Output, items: readonly T[], columns: readonly Column<T>[]): string[] =>
  items.length === 0 ? [] : ['', ...table(items, columns, { columns: out.terminal.width, paint: out.paint })];

const DISKS: readonly Column<Inventory['disks'][number]>[] = [
  { title: 'DISK', value: ({ device }) => device, gives: true },
  { title: 'MOUNTED ON', value: ({ mount }) => mount, gives: true },
  { title: 'TYPE', value: ({ type }) => type },
  { title: 'SIZE', value: ({ size_bytes: size }) => bytes(size), align: 'right' },
];

const INTERFACES: readonly Column<Inventory['interfaces'][number]>[] = [
  { title: 'INTERFACE', value: ({ name }) => name },
  { title: 'MAC', value: ({ mac }) => mac },
  { title: 'ADDRESSES', value: ({ addresses }) => addresses.join(' '), gives: true },
];

const ROUTES: readonly Column<Inventory['routes'][number]>[] = [
  { title: 'ROUTE TO', value: ({ network }) => network },
  { title: 'THROUGH', value: ({ interface: name }) => name ?? 'nowhere' },
];

const INTERPRETERS: readonly Column<Inventory['interpreters'][number]>[] = [
  { title: 'RUNS SCRIPTS IN', value: ({ language }) => language },
  { title: 'WITH', value: ({ path }) => path, gives: true },
  { title: 'VERSION', value: ({ version }) => version, gives: true },
];
