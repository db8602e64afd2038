/** A node of a pair inside a machine of the lab: a Duty with its driver, the real address and datagrams, without clients. */
import { createInterface } from 'node:readline';
import pino from 'pino';
import { openDriver } from '../../../../src/agent/ha/driver.ts';
import { Duty } from '../../../../src/agent/ha/duty.ts';
import { SwitchLog } from '../../../../src/agent/ha/switch-log.ts';
import { openDatagrams } from '../../../../src/ha/datagrams.ts';
import { openFloatingAddress } from '../../../../src/ha/floating-address.linux.ts';
import type { HaSwitch, HostedHa, HostedHaState } from '../../../../src/protocol/bastion.ts';
import { systemClock } from '../../../../src/sys/clock.ts';

export interface NodeStart {
  readonly ha: HostedHa;
  readonly directory: string;
  readonly switches: string;
}
export type Order = 'give' | 'close' | 'behind' | 'abreast';
export interface Told {
  readonly pid: number;
  readonly state: HostedHaState;
  readonly isHolder: boolean;
  readonly failure: string | null;
  readonly history: readonly HaSwitch[];
}

const { ha, directory, switches: file } = JSON.parse(process.argv[2]!) as NodeStart;
const log = pino({ level: process.env.LOG_LEVEL ?? 'silent' }, pino.destination(2));
const driver = await openDriver({ ha, vpn: 'office', directory, open: openFloatingAddress, log });
const datagrams = await openDatagrams({
  address: driver.address.ownAddress,
  port: ha.port,
  key: Buffer.from(ha.key, 'base64url'),
  self: ha.self,
  other: ha.other,
});
const switches = new SwitchLog(file);
await switches.open();
let revision = 2;
const nothing = () => Promise.resolve();
const duty = new Duty({
  ha,
  ...driver,
  datagrams,
  switches,
  revision: () => revision,
  service: {
    peers: () => Promise.resolve([]),
    learnPlaces: () => undefined,
    places: () => new Map(),
    clients: () => new Set(),
    startHandshakes: nothing,
    settle: nothing,
    clearSessions: nothing,
  },
  ask: () => undefined,
  told: () => tell(),
  clock: systemClock,
  log,
});
let closed = false;
let said = '';
const tell = (): void => {
  if (closed) return;
  const { state, isHolder, failure } = duty;
  const told: Told = {
    pid: process.pid,
    state,
    isHolder,
    failure: failure?.message ?? null,
    history: switches.all,
  };
  const text = JSON.stringify(told);
  if (text !== said) process.stdout.write(`${text}\n`);
  said = text;
};
setInterval(tell, 20);
duty.start();
duty.turnTo(ha.other_endpoint);

for await (const order of createInterface(process.stdin)) {
  if (order === 'give') await duty.give('planned');
  else if (order === 'behind') revision = 1;
  else if (order === 'abreast') revision = 2;
  else {
    await duty.close();
    break;
  }
}
closed = true;
process.exit();
