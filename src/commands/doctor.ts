import type { Check } from '../protocol/engine.ts';
import { clockCheck, diskCheck, nodeCheck, wireguardCheck } from '../sys/doctor/machine.ts';
import { permissionsCheck, portCheck, socketCheck } from './local/doctor/engine.ts';
import { packagesCheck } from './local/doctor/packages.ts';
import { BorealisCommand } from './manner/command.ts';
import { stateColour } from './manner/paint.ts';
import { findState } from './manner/program.ts';
import { plural } from './manner/size.ts';
import { pad, plain, wrap } from './manner/text.ts';

/** Columns of the first two. */
const STATE = 8;
const ID = 19;

export default class Doctor extends BorealisCommand {
  static override summary = 'Check this machine and the engine; name what is wrong, each with its remedy.';
  static override description = 'Ends with 1 where something fails; warnings alone end with 0.';
  static override examples = ['borealisctl doctor', 'borealisctl doctor --json'];
  static override operations = ['doctor.check', 'status.show'] as const;

  async run(): Promise<void> {
    await this.parse(Doctor);
    const state = findState(undefined, process.env);
    const [{ check: engine, status }, clock] = await Promise.all([
      socketCheck(this.client, state),
      clockCheck(),
    ]);
    const place = status?.state_directory ?? state;
    const [port, ...others] = await Promise.all([
      portCheck(place, status),
      // The engine looks at its own disk; where it does not answer, we do.
      status ? this.client.call('doctor.check', {}) : diskCheck(place),
    ]);
    const machine = [nodeCheck('borealisctl'), clock, packagesCheck(), wireguardCheck()];
    const checks = [...machine, engine, permissionsCheck(place), port, ...others.flat()];
    if (checks.some((check) => check.state === 'fail')) process.exitCode = 1;
    if (this.out.json) return this.out.document(checks);
    for (const check of checks) this.#show(check);
    this.#conclude(checks);
  }

  #show({ id, state, message, remedy }: Check): void {
    const { paint, terminal } = this.out;
    const margin = `${pad('', STATE)} ${pad('', ID)} `;
    const column = (text: string): string =>
      wrap(plain(text), terminal.width - margin.length).join(`\n${margin}`);
    this.out.line(`${paint(stateColour(state), pad(state, STATE))} ${pad(id, ID)} ${column(message)}`);
    if (!remedy) return;
    const [label, ...rest] = column(`Remedy: ${remedy}`).split(' ');
    this.out.line(margin + [paint('bold', label ?? ''), ...rest].join(' '));
  }

  #conclude(checks: readonly Check[]): void {
    const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length;
    const [failed, warned] = [count('fail'), count('warn')];
    if (failed + warned === 0) this.out.note('\nAll is well.');
    else this.out.note(`\n${plural(failed, 'failure')}, ${plural(warned, 'warning')}.`);
  }
}
