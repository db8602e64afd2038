/** `status.show`: the engine at a glance. Numbers come from indexes or memory, so that asking often costs nothing. */
import type { Check, Status } from '../../protocol/engine.ts';
import { SCHEMA_VERSION } from '../../store/migrations/index.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Handlers } from '../capability.ts';
import type { Channels } from '../channel/channels.ts';
import type { Counts } from './counts.ts';

interface Dependencies {
  readonly version: string;
  readonly startedAt: number;
  readonly state: string;
  readonly clock: Clock;
  readonly store: Store;
  readonly channels: Channels;
  readonly counts: Counts;
  readonly listeners: () => Status['listeners'];
  /** How many are open. */
  readonly tunnels: () => number;
  /** Pairs of VPN services. */
  readonly ha: () => Status['ha'];
  readonly caPin: () => string;
  readonly ready: () => boolean;
  /** Signatures, tokens and proofs that did not verify since the start. */
  readonly signatureFailures: () => number;
  /** What doctor found worth a warning, from its last round. */
  readonly findings: () => readonly Check[];
}

export const statusOperations = (deps: Dependencies): Handlers<'status.show'> => ({
  'status.show': async () => {
    const { store, channels, clock } = deps;
    const byState = await deps.counts.devices();
    const { waiting, running, queued } = await deps.counts.work();
    const online = countOnline(channels);
    return {
      version: deps.version,
      pid: process.pid,
      started_at: new Date(deps.startedAt).toISOString(),
      uptime_seconds: Math.max(0, Math.round((clock.now() - deps.startedAt) / 1000)),
      state_directory: deps.state,
      ready: deps.ready(),
      store: { driver: store.driver, size_bytes: await store.sizeBytes(), schema_version: SCHEMA_VERSION },
      listeners: deps.listeners(),
      ca_pin: deps.caPin(),
      devices: {
        total: byState.active + byState.quarantined + byState.revoked,
        online,
        offline: Math.max(0, byState.active - online),
        quarantined: byState.quarantined,
        revoked: byState.revoked,
      },
      approvals_waiting: waiting,
      jobs_running: running,
      jobs_queued: queued,
      tunnels: deps.tunnels(),
      ha: [...deps.ha()],
      signature_failures: deps.signatureFailures(),
      warnings: warningsOf(deps, waiting),
    };
  },
});

const countOnline = (channels: Channels): number => {
  let online = 0;
  for (const _ of channels.online()) online++;
  return online;
};

const warningsOf = (deps: Dependencies, waiting: number): Status['warnings'] => {
  const warnings = deps
    .findings()
    .filter((finding) => finding.state === 'warn' || finding.state === 'fail')
    .map((finding) => ({
      code: finding.id,
      message: finding.message,
      next: finding.remedy ?? 'borealisctl doctor',
    }));
  if (waiting > 0) {
    const message = waiting === 1 ? 'One agent waits for approval.' : `${waiting} agents wait for approval.`;
    warnings.push({ code: 'approvals_waiting', message, next: 'borealisctl approval list' });
  }
  for (const { vpn, state } of deps.ha())
    if (state !== 'ok') {
      const message = `High availability of ${vpn}: ${state}.`;
      warnings.push({ code: 'ha', message, next: `borealisctl ha show ${vpn}` });
    }
  const failures = deps.signatureFailures();
  if (failures > 0) {
    const message = `${failures} signature${failures === 1 ? '' : 's'} or proofs did not verify since the start.`;
    warnings.push({ code: 'signature_failures', message, next: 'borealisctl log --component trust' });
  }
  return warnings;
};
