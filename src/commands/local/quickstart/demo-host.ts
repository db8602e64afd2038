/**
 * A machine of its own for the agent of quickstart, made of network namespaces, so that there is a tunnel to show: to a
 * device that nobody can connect to. Kept in a record that is written before anything is made: what stands in no record
 * of ours is not touched.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BorealisError } from '../../../protocol/errors.ts';
import { runCommand, runOrFail } from '../../../sys/command.ts';
import { writeFileDurably } from '../../../sys/files.ts';
import { processCommand } from '../../../sys/processes.ts';
import { until } from '../wait.ts';
import type { DemoRecord } from './demo-forms.ts';
import { DEMO_NAT, demoLinks, demoNames, freeCableNetwork } from './demo-network.ts';
import type { QuickstartPlace } from './place.ts';

const COMMAND_MS = 10_000;
/** For an agent to end. */
const STOP_MS = 15_000;
/** For a process whose interface has been taken away to end. */
const ENDING_MS = 3_000;
/** For a connection to this very machine. */
const CONNECT_MS = 3_000;
const NAMESPACES = '/run/netns';

export interface DemoHost {
  /** Of its network namespace. */
  readonly name: string;
  /** To be put before a command line that is to run there. */
  readonly within: readonly string[];
  readonly engineAddress: string;
  readonly already: boolean;
}

/** Leaves one alone that stands. `port` is where the engine listens. Errors: NETNS_FOREIGN, COMMAND_FAILED; nothing of it is left then. */
export const raiseDemoHost = async (place: QuickstartPlace, port: number): Promise<DemoHost> => {
  const known = await readRecord(place);
  if (known && (await reaches(known, port))) return hostOf(known, true);
  if (known) await removeDemoHost(place);
  const names = demoNames(place.root);
  const present = [names.device, names.router].filter(namespaceExists);
  if (await linkExists(names.cable)) present.push(names.cable);
  if (present.length > 0) {
    const detail = `${present.join(', ')}: no record says that quickstart made it.`;
    throw new BorealisError('NETNS_FOREIGN', { detail });
  }
  const listing = await ip('-json', '-4', 'route', 'show', 'table', 'all');
  const network = freeCableNetwork((await forms()).routes.parse(JSON.parse(listing.trim() || '[]')));
  if (!network) throw new BorealisError('COMMAND_FAILED', { detail: 'All of 198.18.0.0/16 is in use.' });
  const made: DemoRecord = { ...names, engine_address: network.own };
  await mkdir(place.root, { recursive: true, mode: 0o700 });
  await writeFileDurably(recordFile(place), JSON.stringify(made), { mode: 0o600 });
  try {
    for (const name of [names.router, names.device]) await ip('netns', 'add', name);
    for (const [namespace, lines] of demoLinks(names, network))
      await run('ip', [...(namespace ? ['-netns', namespace] : []), '-batch', '-'], `${lines.join('\n')}\n`);
    await inside(names.router, 'nft', ['-f', '-'], DEMO_NAT);
    await inside(names.router, 'sh', ['-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
    if (!(await reaches(made, port)))
      throw new BorealisError('COMMAND_FAILED', {
        detail: `From there nobody reaches port ${port} of this machine: a firewall?`,
      });
  } catch (error) {
    await removeDemoHost(place);
    throw error;
  }
  return hostOf(made, false);
};

/** An agent in there is ended. False where there was nothing to remove. Errors: COMMAND_FAILED. */
export const removeDemoHost = async (place: QuickstartPlace): Promise<boolean> => {
  const known = await readRecord(place);
  if (!known) return false;
  for (const name of [known.device, known.router].filter(namespaceExists)) {
    const agents = (await processesIn(name)).filter((pid) => processCommand(pid)?.includes('borealis-agent'));
    for (const pid of agents) process.kill(pid, 'SIGTERM');
    await until(STOP_MS, async () => !(await processesIn(name)).some((pid) => agents.includes(pid)));
    // A process of wireguard-go ends with its interface; whoever else is in there came by themselves, and stays.
    const links = (await forms()).linkNames.parse(
      JSON.parse(await ip('-netns', name, '-json', 'link', 'show')),
    );
    for (const { ifname } of links.filter(({ ifname }) => ifname !== 'lo'))
      await attempt('ip', ['-netns', name, 'link', 'delete', 'dev', ifname]); // the peer went with the other end
    await until(ENDING_MS, async () => (await processesIn(name)).length === 0);
    await ip('netns', 'delete', name);
  }
  if (await linkExists(known.cable)) await attempt('ip', ['link', 'delete', 'dev', known.cable]);
  await rm(recordFile(place), { force: true });
  return true;
};

/** Is this process in it? */
export const isInDemoHost = async ({ name }: DemoHost, pid: number): Promise<boolean> =>
  (await processesIn(name)).includes(pid);

const processesIn = async (namespace: string): Promise<number[]> =>
  (await ip('netns', 'pids', namespace)).split('\n').filter(Boolean).map(Number);

const forms = () => import('./demo-forms.ts');

const recordFile = ({ root }: QuickstartPlace): string => join(root, 'demo-host.json');

const readRecord = async (place: QuickstartPlace): Promise<DemoRecord | null> => {
  const text = await readFile(recordFile(place), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return text === null ? null : (await forms()).record.parse(JSON.parse(text));
};

const hostOf = ({ device, engine_address }: DemoRecord, already: boolean): DemoHost => ({
  name: device,
  within: ['ip', 'netns', 'exec', device],
  engineAddress: engine_address,
  already,
});

const namespaceExists = (name: string): boolean => existsSync(join(NAMESPACES, name));
const linkExists = async (name: string): Promise<boolean> => attempt('ip', ['link', 'show', 'dev', name]);

/** From the device's place to the engine's port. */
const reaches = async ({ device, engine_address }: DemoRecord, port: number): Promise<boolean> => {
  if (!namespaceExists(device)) return false;
  const program = `const s = require('node:net').connect(${port}, '${engine_address}', () => process.exit(0));
    s.on('error', () => process.exit(1)); setTimeout(() => process.exit(1), ${CONNECT_MS});`;
  return attempt('ip', ['netns', 'exec', device, process.execPath, '-e', program]);
};

const run = async (file: string, args: readonly string[], input?: string): Promise<string> =>
  (await runOrFail(runCommand, file, args, { timeoutMs: COMMAND_MS, input })).stdout;
const ip = (...args: string[]): Promise<string> => run('ip', args);
const inside = (namespace: string, file: string, args: readonly string[], input?: string): Promise<string> =>
  run('ip', ['netns', 'exec', namespace, file, ...args], input);
const attempt = async (file: string, args: readonly string[]): Promise<boolean> =>
  (await runCommand(file, args, { timeoutMs: COMMAND_MS })).exitCode === 0;
