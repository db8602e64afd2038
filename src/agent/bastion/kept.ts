/**
 * The VPN services of this device on its disk, sealed, for keys are in them: they go on after a restart, with the engine or
 * without it.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type HostedChange, hostedChange } from '../../protocol/bastion.ts';
import { ensurePrivateDirectory, readSecretFile, writeFileDurably } from '../../sys/files.ts';
import type { ForwardingMemory, IpFamily } from '../../wg/forwarding.ts';
import type { AgentLog } from '../log.ts';
import type { Kept } from './amended.ts';
import { appendLine, readJournal, replayed, STATE_FILE_MAX_BYTES } from './journal.ts';
import { PLAIN, PLAIN_JOURNAL, readPlain, readWhole, removePlain } from './plain.ts';
import type { SealKey } from './seal-key.ts';

/** Of a service that goes: what is to be taken from the machine still, and no key of it. */
export interface Leaving {
  readonly id: string;
  readonly interface: string;
  readonly publicKey: string;
  readonly ha: { readonly address: string; readonly interface: string | null } | null;
}

const leaving = z.object({
  interface: z.string(),
  publicKey: z.string(),
  ha: z.object({ address: z.string(), interface: z.string().nullable() }).nullable(),
});

const SUFFIX = '.service.sealed';
const LEAVING = '.leaving.json';
/** A line is base64 of a sealed change. */
const JOURNAL = '.service.changes';
/** A journal that is longer, and longer than the whole, is kept as a whole again. */
const JOURNAL_BYTES = 256 * 1024;
const OF_A_SERVICE = /^[a-z2-7]{12}\./;
const WHOLE = /^([a-z2-7]{12})\.service\.(sealed|json)$/;
/** A crash left it while it was written (sys/files.ts). */
const UNFINISHED = /^\.[a-z2-7]{12}\..*\.new$/;

export interface KeptParts {
  readonly directory: string;
  readonly key: SealKey;
  readonly log: AgentLog;
}

export class KeptServices {
  readonly #directory: string;
  readonly #key: SealKey;
  readonly #log: AgentLog;
  /** Bytes on the disk. No entry: it is to be kept whole, whatever changes. */
  readonly #sizes = new Map<string, { readonly whole: number; readonly journal: number }>();
  readonly #unread = new Map<string, Error>();

  constructor({ directory, key, log }: KeptParts) {
    this.#directory = directory;
    this.#key = key;
    this.#log = log;
  }

  /** Why services could not be taken up that are kept here, by id: until they are kept anew, or forgotten. */
  get unread(): ReadonlyMap<string, Error> {
    return this.#unread;
  }

  /** One that is damaged is left out and left there: the engine tells it again. Errors: STATE_UNSAFE. */
  async open(): Promise<Kept[]> {
    await ensurePrivateDirectory(this.#directory);
    const names = await readdir(this.#directory);
    const isOrphan = (name: string, journal: string, whole: string): boolean =>
      name.endsWith(journal) && !names.includes(name.replace(journal, whole));
    // Of a service that was forgotten; a crash left it.
    for (const name of names)
      if (UNFINISHED.test(name) || isOrphan(name, JOURNAL, SUFFIX) || isOrphan(name, PLAIN_JOURNAL, PLAIN))
        await rm(join(this.#directory, name), { force: true });
    const kept: Kept[] = [];
    for (const id of new Set(names.flatMap((name) => WHOLE.exec(name)?.[1] ?? []))) {
      try {
        kept.push(await this.#read(id, names));
      } catch (error) {
        this.#unread.set(id, error as Error);
        this.#log.error({ err: error, service: id }, 'a VPN service that was kept cannot be read');
      }
    }
    return kept;
  }

  /** Of both, the newer: an older agent that was there for a while knew nothing of the sealed one. */
  async #read(id: string, names: readonly string[]): Promise<Kept> {
    if (!names.includes(id + PLAIN)) return this.#readSealed(id);
    const sealed = names.includes(id + SUFFIX) ? await this.#readSealed(id).catch(() => null) : null; // then the plain one is there
    const plain = await readPlain(this.#directory, id);
    if (sealed && sealed.revision >= plain.revision) {
      await removePlain(this.#directory, id);
      return sealed;
    }
    await this.put(plain);
    return plain;
  }

  async #readSealed(id: string): Promise<Kept> {
    const box = await this.#key.existing();
    const sealed = await readSecretFile(this.#file(id), STATE_FILE_MAX_BYTES);
    const whole = readWhole(box.open(wholeOf(id), sealed), id);
    return replayed(whole, await readJournal(this.#journal(id)), (line) =>
      hostedChange.parse(JSON.parse(box.open(changeOf(id), Buffer.from(line, 'base64')).toString())),
    );
  }

  /** Errors: those of SealKey.made, DISK_FULL. */
  async put({ service, revision }: Kept): Promise<void> {
    const { id } = service;
    this.#sizes.delete(id);
    const box = await this.#key.made();
    const sealed = box.seal(wholeOf(id), Buffer.from(JSON.stringify({ service, revision })));
    await writeFileDurably(this.#file(id), sealed, { mode: 0o600 });
    // What a crash leaves of these is older than the whole, and passed over.
    await rm(this.#journal(id), { force: true });
    await removePlain(this.#directory, id);
    this.#sizes.set(id, { whole: sealed.length, journal: 0 });
    this.#unread.delete(id);
  }

  /** `one` is what it is after that change. Errors: DISK_FULL, …; then it is as it was before, or as it is after it. */
  async amend(one: Kept, change: HostedChange): Promise<void> {
    const { id } = one.service;
    const sizes = this.#sizes.get(id);
    if (!sizes || sizes.journal > Math.max(JOURNAL_BYTES, sizes.whole)) return this.put(one);
    const { whole, journal } = sizes;
    // One that fails half-way may be there or not: the next one is not to be written after it.
    this.#sizes.delete(id);
    const box = await this.#key.made();
    const line = box.seal(changeOf(id), Buffer.from(JSON.stringify(change))).toString('base64');
    const bytes = await appendLine(this.#journal(id), line, journal === 0);
    this.#sizes.set(id, { whole, journal: journal + bytes });
  }

  /** It goes: an agent that comes after one that is killed now finds what is left of it. Its keys are here no more. */
  async leave({ id, ...left }: Leaving): Promise<void> {
    await writeFileDurably(this.#leaving(id), JSON.stringify(left), { mode: 0o600 });
    await this.forget(id);
  }

  /** Of agents that were killed while a service went. To be called after `open`. */
  async leftOver(): Promise<Leaving[]> {
    const left: Leaving[] = [];
    for (const name of await readdir(this.#directory)) {
      if (!name.endsWith(LEAVING)) continue;
      const id = name.slice(0, -LEAVING.length);
      try {
        left.push({ id, ...leaving.parse(JSON.parse(await readFile(join(this.#directory, name), 'utf8'))) });
      } catch (error) {
        this.#log.error({ err: error, file: name }, 'it cannot be read what is left of a VPN service');
      }
    }
    return left;
  }

  /** What was left of it is gone, or is its own again. */
  async settled(id: string): Promise<void> {
    await rm(this.#leaving(id), { force: true });
  }

  /** Its keys are here no more, nor is it taken up again. What its end needs is there still. */
  async forget(id: string): Promise<void> {
    this.#sizes.delete(id);
    this.#unread.delete(id);
    // In this order: the whole alone would be what was there before the changes.
    await rm(this.#file(id), { force: true });
    await rm(this.#journal(id), { force: true });
    await removePlain(this.#directory, id);
  }

  async remove(id: string): Promise<void> {
    await this.forget(id);
    await rm(this.switches(id), { force: true });
    await rm(this.clients(id), { force: true });
    await rm(this.pair(id), { recursive: true, force: true });
    await rm(this.driver(id), { recursive: true, force: true });
    await this.settled(id);
  }

  /**
   * Of every service, whatever state it is in. Which switches of forwarding are ours stays: they are turned off by it; so
   * does what says what is to be taken from the machine.
   */
  async removeAll(): Promise<void> {
    this.#sizes.clear();
    this.#unread.clear();
    const names = await readdir(this.#directory);
    const ours = names.filter(
      (name) => (OF_A_SERVICE.test(name) || UNFINISHED.test(name)) && !name.endsWith(LEAVING),
    );
    // As in `forget`.
    const inOrder = ours.sort((a, b) => Number(WHOLE.test(b)) - Number(WHOLE.test(a)));
    for (const name of inOrder) await rm(join(this.#directory, name), { recursive: true, force: true });
  }

  #file(id: string): string {
    return join(this.#directory, `${id}${SUFFIX}`);
  }

  #journal(id: string): string {
    return join(this.#directory, `${id}${JOURNAL}`);
  }

  #leaving(id: string): string {
    return join(this.#directory, `${id}${LEAVING}`);
  }

  /** Where it is kept where its clients were last. */
  clients(id: string): string {
    return join(this.#directory, `${id}.clients.json`);
  }

  /** Where the switches of its pair are kept. */
  switches(id: string): string {
    return join(this.#directory, `${id}.switches.json`);
  }

  /** For what the driver of its pair keeps. */
  driver(id: string): string {
    return join(this.#directory, `${id}.driver`);
  }

  /** Of whatever moves its address. */
  pair(id: string): string {
    return join(this.#directory, `${id}.pair`);
  }

  /** Says that connection tracking was made lenient for them. */
  get leniency(): string {
    return join(this.#directory, 'lenient');
  }

  /** Which switches of packet forwarding were turned on for them. */
  get forwarding(): ForwardingMemory {
    const file = join(this.#directory, 'forwarding.json');
    return {
      read: async () => JSON.parse(await readFile(file, 'utf8').catch(() => '[]')) as IpFamily[], // none was turned on yet
      write: (families) =>
        families.length === 0
          ? rm(file, { force: true })
          : writeFileDurably(file, JSON.stringify(families), { mode: 0o600 }),
    };
  }
}

/** What is sealed under which name: one cannot stand in another's place. */
const wholeOf = (id: string): string => `vpn service ${id}`;
const changeOf = (id: string): string => `change of vpn service ${id}`;
