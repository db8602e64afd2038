import { BorealisCommand } from './manner/command.ts';
import { watchFlag } from './manner/flags.ts';
import { statusCard } from './shown/status.ts';

export default class Status extends BorealisCommand {
  static override summary = 'Engine, store, listeners, devices, approvals and warnings at a glance.';
  static override examples = [
    'borealisctl status',
    'borealisctl status --json',
    'borealisctl status --watch',
  ];
  static override flags = { watch: watchFlag };
  static override operations = ['status.show'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const fetch = () => this.client.call('status.show', {}, { timeoutMs: 30_000 });
    await this.show(fetch, (status) => statusCard(this.out, status), flags.watch ? EVENTS : undefined);
  }
}

const EVENTS = [
  'approval.requested',
  'approval.approved',
  'approval.denied',
  'device.online',
  'device.offline',
  'device.enrolled',
  'device.quarantined',
  'device.revoked',
  'device.removed',
  'job.created',
  'job.finished',
  'security.alert',
] as const;
