/** How a pair's floating address is moved, and who decides that it is: the three drivers of `ha enable --driver`. */
import type { FloatingAddress, OpenFloatingAddress } from '../../ha/platform.ts';
import type { HostedHa } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { AgentLog } from '../log.ts';
import type { MakeDecider } from './decider.ts';
import { HookedAddress } from './hook.ts';
import { filesIn } from './keepalived/config.ts';
import { KeepalivedDecider } from './keepalived/decider.ts';
import { endLeftOver, removeFiles } from './keepalived/left-over.ts';
import { requireKeepalived } from './keepalived/program.ts';
import { makeLease } from './lease.ts';

export interface DriverParts {
  readonly ha: HostedHa;
  /** The service's name, which the hook is told. */
  readonly vpn: string;
  /** Of this pair's driver alone, private; need not exist. */
  readonly directory: string;
  readonly open: OpenFloatingAddress;
  readonly log: AgentLog;
}

export interface Driver {
  /** To be closed by the Duty that gets it. */
  readonly address: FloatingAddress;
  readonly decide: MakeDecider;
}

/** Errors: those of `open`; PROGRAM_MISSING where keepalived is; INVALID_INPUT where a hook is not named. */
export const openDriver = async ({ ha, vpn, directory, open, log }: DriverParts): Promise<Driver> => {
  const files = filesIn(directory);
  // Whatever the driver is now: an address that was left by keepalived would be taken for a stranger's.
  await endLeftOver(files);
  await removeFiles(files);
  if (ha.driver === 'keepalived') await requireKeepalived();
  const inner = open({ address: ha.address, interfaceName: ha.interface });
  switch (ha.driver) {
    case 'own':
      return { address: inner, decide: makeLease };
    case 'keepalived':
      return { address: inner, decide: (parts) => new KeepalivedDecider(parts, directory) };
    case 'hook': {
      const { hook: path, address } = ha;
      if (path === null) {
        await inner.close();
        throw new BorealisError('INVALID_INPUT', { detail: 'The driver hook needs the path of a hook.' });
      }
      const facts = { BOREALIS_VPN: vpn, BOREALIS_NODE: ha.self, BOREALIS_OTHER: ha.other };
      return {
        address: new HookedAddress({ inner, call: { path, address, facts }, log }),
        decide: makeLease,
      };
    }
  }
};
