import { rm } from 'node:fs/promises';
import { boolean } from '@oclif/core/flags';
import { Client } from '../client/client.ts';
import { stopAgent } from './local/agent-process.ts';
import { startEngine, statusOf, stopEngine } from './local/engine-process.ts';
import { removeDemoHost } from './local/quickstart/demo-host.ts';
import { bringOnline, runScript, showInventory, showTelemetry } from './local/quickstart/device.ts';
import { enrolThisMachine } from './local/quickstart/enrol.ts';
import { machineForAgent } from './local/quickstart/machine.ts';
import { type QuickstartPlace, quickstartPlace } from './local/quickstart/place.ts';
import { choosePort } from './local/quickstart/port.ts';
import { showShell } from './local/quickstart/shell.ts';
import { Steps } from './local/quickstart/steps.ts';
import { showSummary } from './local/quickstart/summary.ts';
import { showTunnel } from './local/quickstart/tunnel.ts';
import { BorealisCommand } from './manner/command.ts';

export default class Quickstart extends BorealisCommand {
  static override summary =
    'Everything on this machine, step by step: engine, agent, approval, inventory, a signed script.';
  static override description =
    'Each step is real and shown. Run it again whenever you like: what is there already is left as it is. ' +
    'All state is below .state in the checkout, or below BOREALIS_STATE where that is set.';
  static override examples = [
    'borealisctl quickstart',
    'borealisctl quickstart --down',
    'borealisctl quickstart --down --purge',
  ];
  static override flags = {
    down: boolean({ summary: 'End the engine and the agent that it started; their state stays.' }),
    purge: boolean({ dependsOn: ['down'], summary: 'Delete their state too.' }),
  };
  static override operations = [
    'status.show',
    'code.create',
    'approval.list',
    'approval.approve',
    'tunnel.connect',
    'shell.create',
    'shell.attach',
  ] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(Quickstart);
    const place = quickstartPlace(process.env);
    await (flags.down ? this.#down(place, flags.purge ?? false) : this.#up(place));
  }

  async #up(place: QuickstartPlace): Promise<void> {
    const steps = new Steps(this.out);
    const client = new Client(place.socket);
    if (!this.out.json) this.out.line(`Borealis on this machine. Everything is kept below ${place.root}.`);

    steps.begin('Engine');
    const chosen = (await statusOf(client)) ? null : await choosePort(place);
    if (chosen) steps.say(chosen);
    const { status, already } = await startEngine({
      state: place.engine,
      socket: place.socket,
      args: [],
      env: place.env,
    });
    if (already) steps.there(`The engine runs already, process ${status.pid}.`);
    else steps.say(`Started the engine in the background, process ${status.pid}.`);
    const listener = status.listeners.find(({ kind }) => kind === 'agent');
    steps.say(`Operators reach it at ${place.socket}, agents at ${listener?.address}.`);

    const demo = await machineForAgent(place, status, steps);
    const agent = { state: place.agent, env: place.env, within: demo?.within };
    const enrolled = await enrolThisMachine(client, status, agent, steps, demo?.engine);
    const device = await bringOnline(client, enrolled, agent, steps);
    const inventory = await showInventory(client, device, steps);
    const sample = await showTelemetry(client, device, steps);
    const job = await runScript(client, device, steps);
    const tunnel = demo ? await showTunnel(client, device, steps) : null;
    const shell = tunnel ? await showShell(client, device, steps) : null;

    if (this.out.json) {
      const engine = {
        pid: status.pid,
        state_directory: place.engine,
        socket: place.socket,
        listeners: status.listeners,
      };
      this.out.document({
        ...{ engine, device, inventory, telemetry: sample, job, tunnel, shell },
        steps: steps.records,
      });
    } else showSummary(this.out, place, await client.call('status.show', {}), device, shell !== null);
  }

  async #down(place: QuickstartPlace, purge: boolean): Promise<void> {
    if (purge)
      await this.confirm(
        `This deletes everything below ${place.engine} and ${place.agent}: keys, devices, history.`,
      );
    const agent = await stopAgent({ state: place.agent, env: place.env });
    if (agent !== null) this.out.note(`The agent, process ${agent}, has ended.`);
    if (await removeDemoHost(place)) this.out.note('The machine made for the agent is removed.');
    const engine = await stopEngine(place.engine, place.socket);
    if (engine !== null) this.out.note(`The engine, process ${engine}, has ended.`);
    if (purge)
      for (const directory of [place.agent, place.engine])
        await rm(directory, { recursive: true, force: true });
    const ran = agent !== null || engine !== null;
    const kept = purge ? 'Their state is deleted.' : `Their state stays below ${place.root}.`;
    this.out.done(
      { agent_pid: agent, engine_pid: engine, purged: purge },
      `${ran ? 'Engine and agent are down.' : 'Neither engine nor agent ran.'} ${kept}`,
    );
  }
}
