/** Where the agent of quickstart lives: on a machine of its own where one can be made, otherwise on this one. */
import { isIPv4 } from 'node:net';
import type { Status } from '../../../protocol/engine.ts';
import { BorealisError } from '../../../protocol/errors.ts';
import { agentStatus, stopAgent } from '../agent-process.ts';
import { type DemoHost, isInDemoHost, raiseDemoHost, removeDemoHost } from './demo-host.ts';
import type { QuickstartPlace } from './place.ts';
import type { Steps } from './steps.ts';

export interface AgentMachine {
  readonly within: readonly string[];
  /** HOST:PORT of the engine, as it is reached from there. */
  readonly engine: string;
}

/** Undefined where the agent is to live on this machine; why is said. */
export const machineForAgent = async (
  place: QuickstartPlace,
  status: Status,
  steps: Steps,
): Promise<AgentMachine | undefined> => {
  const address = status.listeners.find(({ kind }) => kind === 'agent')?.address ?? '';
  const port = Number(/:(\d+)$/.exec(address)?.[1]);
  const obstacle = obstacleFor(address);
  const host = obstacle ?? (await raiseDemoHost(place, port).catch(reason));
  if (typeof host === 'string') {
    await removeDemoHost(place);
    steps.say(`Left out: a machine of its own for the agent, behind a NAT, and a tunnel to it: ${host}`);
    return undefined;
  }
  steps.begin('A machine for the agent');
  tell(host, steps);
  // One of an earlier time, when it lived elsewhere.
  const { pid } = await agentStatus({ state: place.agent, env: place.env });
  if (pid !== null && !(await isInDemoHost(host, pid)))
    await stopAgent({ state: place.agent, env: place.env });
  return { within: host.within, engine: `${host.engineAddress}:${port}` };
};

/** A sentence; null where it can be tried. */
const obstacleFor = (listening: string): string | null => {
  if (process.platform !== 'linux') return 'that takes Linux.';
  if (process.getuid?.() !== 0) return 'that takes root.';
  const host = listening.replace(/:\d+$/, '');
  const everywhere = host === '0.0.0.0' || host === '[::]' || !(isIPv4(host) || host.startsWith('['));
  return everywhere ? null : `the engine listens at ${host} alone.`;
};

const reason = (error: unknown): string => {
  if (error instanceof BorealisError) return error.message;
  throw error;
};

const tell = ({ name, engineAddress, already }: DemoHost, steps: Steps): void => {
  if (already) {
    steps.there(`The machine ${name} stands already.`);
    return;
  }
  steps.say(`Made ${name}, a network namespace behind a router of its own, which lets it out and nobody in.`);
  steps.say(`It reaches this machine as ${engineAddress}; look around there: ip netns exec ${name} sh`);
};
