/**
 * Whether this host passes packets on. Where it did not, and a service needs it, it does so for our interfaces alone: a
 * table of ours holds what it did before for all others (as Docker's policy for FORWARD does), and all is put back when
 * no service needs it any more.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { BorealisError } from '../protocol/errors.ts';
import { type CommandRunner, runOrFail } from '../sys/command.ts';

export type IpFamily = 4 | 6;

export interface Forwarding {
  /** Errors: FORWARDING_OFF, NET_ADMIN_REQUIRED, COMMAND_FAILED. */
  demand(families: ReadonlySet<IpFamily>): Promise<void>;
  /** As it was before. */
  release(): Promise<void>;
}

/** Which switches we turned on, for a process after one that was killed. */
export interface ForwardingMemory {
  read(): Promise<readonly IpFamily[]>;
  write(families: readonly IpFamily[]): Promise<void>;
}

const SWITCH = { 4: '/proc/sys/net/ipv4/ip_forward', 6: '/proc/sys/net/ipv6/conf/all/forwarding' } as const;
const NFT_FAMILY = { 4: 'ipv4', 6: 'ipv6' } as const;
const COMMAND_MS = 30_000;

/** `interfaces`: what ours begin with. */
export const linuxForwarding = (
  {
    memory,
    run,
    table,
  }: { readonly memory: ForwardingMemory; readonly run: CommandRunner; readonly table: string },
  interfaces: string,
): Forwarding => {
  const options = { timeoutMs: COMMAND_MS };
  const nft = (text: string) => runOrFail(run, 'nft', ['-f', '-'], { ...options, input: text });

  /** Only with our table is it still as we made it: not after a reboot, nor on another host, from a backup. */
  const guarded = async (): Promise<boolean> =>
    (await run('nft', ['list', 'table', 'inet', table], options)).exitCode === 0;
  const ours = async (): Promise<Set<IpFamily>> => new Set(await memory.read());
  const remember = (families: ReadonlySet<IpFamily>): Promise<void> => memory.write([...families]);

  /** Whether our table was seen since this process began. */
  let stood = false;
  /** Whoever flushes all tables of the machine takes ours away, and packets would be passed on between all interfaces. */
  const restore = async (): Promise<void> => {
    const turned = await ours();
    if (turned.size === 0) return;
    if (await guarded()) stood = true;
    else if (stood) await nft(guard(table, turned, interfaces));
  };

  const demand = async (families: ReadonlySet<IpFamily>): Promise<void> => {
    const off = new Set<IpFamily>();
    for (const family of families) if ((await read(family)) === '0') off.add(family);
    if (off.size === 0) return restore();
    const turned = (await guarded()) ? await ours() : new Set<IpFamily>();
    if (off.has(6)) await demandNoAdvertisements(run);
    for (const family of off) turned.add(family);
    await remember(turned);
    await nft(guard(table, turned, interfaces));
    stood = true;
    try {
      for (const family of off) await write(family, '1');
    } catch (error) {
      await release();
      throw error;
    }
  };
  const release = async (): Promise<void> => {
    const turned = await ours();
    if (turned.size === 0) return;
    if (await guarded()) {
      // One that could not be turned on is off already.
      for (const family of turned) if ((await read(family)) !== '0') await write(family, '0');
      await nft(`table inet ${table} {}\ndelete table inet ${table}\n`);
    }
    await remember(new Set());
    stood = false;
  };

  // Services are taken up at once, and what is turned on is one thing.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined); // whose turn it was hears of it
    return turn;
  };
  return { demand: (families) => inTurn(() => demand(families)), release: () => inTurn(release) };
};

/** What is passed on between other interfaces was not before, and is not now. */
const guard = (table: string, families: ReadonlySet<IpFamily>, interfaces: string): string => {
  const rules = [...families].map(
    (family) =>
      `meta nfproto ${NFT_FAMILY[family]} iifname != "${interfaces}*" oifname != "${interfaces}*" drop`,
  );
  return [
    `table inet ${table} {}`,
    `delete table inet ${table}`,
    `table inet ${table} { chain forward { type filter hook forward priority 10; policy accept; ${rules.join('; ')}; }; }`,
    '',
  ].join('\n');
};

/** '0' or '1'; '1' too where the host has no such family, and so nothing of it to pass on. */
const read = async (family: IpFamily): Promise<string> =>
  (await readFile(SWITCH[family], 'utf8').catch(() => '1')).trim();

const write = async (family: IpFamily, value: string): Promise<void> => {
  try {
    await writeFile(SWITCH[family], `${value}\n`);
  } catch (cause) {
    const key = SWITCH[family].slice('/proc/sys/'.length).replaceAll('/', '.');
    throw new BorealisError('FORWARDING_OFF', {
      detail: `${SWITCH[family]} cannot be written by the engine, as under its systemd unit.`,
      next: `Turn it on: echo ${key}=1 >/etc/sysctl.d/60-borealis.conf && sysctl --system`,
      cause,
    });
  }
};

/** A host that forwards IPv6 no longer takes its own default route from its router's advertisements. */
const demandNoAdvertisements = async (run: CommandRunner): Promise<void> => {
  const { stdout } = await runOrFail(run, 'ip', ['-6', 'route', 'show', 'proto', 'ra'], {
    timeoutMs: COMMAND_MS,
  });
  const device = / dev (\S+)/.exec(stdout)?.[1];
  if (device === undefined) return;
  throw new BorealisError('FORWARDING_OFF', {
    detail: `${device} has its route by router advertisement, which it would lose.`,
    next: `Keep it with: sysctl -w net.ipv6.conf.${device}.accept_ra=2 net.ipv6.conf.all.forwarding=1`,
  });
};
