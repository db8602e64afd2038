/** The VPN services of this device on its disk: they go on after a restart, with the engine or without it. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { HostedChange } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { ensurePrivateDirectory, readSecretFile, writeFileDurably } from '../../sys/files.ts';
import type { ForwardingMemory, IpFamily } from '../../wg/forwarding.ts';
import type { AgentLog } from '../log.ts';
import { type Kept, keptOf } from './amended.ts';
import { appendChange, readJournal, removeJournal, replayed, STATE_FILE_MAX_BYTES } from './journal.ts';
import { checkService } from './word.ts';

const file = z.object({ service: z.unknown(), revision: z.number().int().min(1) });

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

const SUFFIX = '.service.json';
const LEAVING = '.leaving.json';
const JOURNAL = '.service.journal';
/** A journal that is longer, and longer than the whole, is kept as a whole again. */
const JOURNAL_BYTES = 256 * 1024;
const OF_A_SERVICE = /^[a-z2-7]{12}\./;
/** A crash left it while it was written (sys/files.ts). */
const UNFINISHED = /^\.[a-z2-7]{12}\..*\.new$/;

export class KeptServices {
  readonly #directory: string;
  readonly #log: AgentLog;
  /** Bytes on the disk. No entry: it is to be kept whole, whatever changes. */
  readonly #sizes = new Map<string, { readonly whole: number; readonly journal: number }>();

  constructor(directory: string, log: AgentLog) {
    this.#directory = directory;
    this.#log = log;
  }

  /** One that is damaged is left out and left there: the engine tells it again. Errors: STATE_UNSAFE. */
  async open(): Promise<Kept[]> {
    await ensurePrivateDirectory(this.#directory);
    const kept: Kept[] = [];
    const names = await readdir(this.#directory);
    for (const name of names) {
      if (UNFINISHED.test(name)) await rm(join(this.#directory, name), { force: true });
      // Of a service that was forgotten; a crash left it.
      if (name.endsWith(JOURNAL) && !names.includes(name.replace(JOURNAL, SUFFIX)))
        await removeJournal(join(this.#directory, name));
      if (!name.endsWith(SUFFIX)) continue;
      try {
        kept.push(await this.#read(name.slice(0, -SUFFIX.length)));
      } catch (error) {
        this.#log.error({ err: error, file: name }, 'a VPN service that was kept cannot be read');
      }
    }
    return kept;
  }

  async #read(id: string): Promise<Kept> {
    const told = parsed(await readSecretFile(this.#file(id), STATE_FILE_MAX_BYTES));
    const whole = keptOf(checkService(told.service, id), told.revision);
    const journal = await readJournal(this.#journal(id));
    return journal ? replayed(whole, journal) : whole;
  }

  async put({ service, revision }: Kept): Promise<void> {
    const { id } = service;
    const text = JSON.stringify({ service, revision });
    this.#sizes.delete(id);
    await writeFileDurably(this.#file(id), text, { mode: 0o600 });
    // What a crash leaves of it is older than the whole, and passed over.
    await removeJournal(this.#journal(id));
    this.#sizes.set(id, { whole: Buffer.byteLength(text), journal: 0 });
  }

  /** `one` is what it is after that change. Errors: DISK_FULL, …; then it is as it was before, or as it is after it. */
  async amend(one: Kept, change: HostedChange): Promise<void> {
    const { id } = one.service;
    const sizes = this.#sizes.get(id);
    if (!sizes || sizes.journal > Math.max(JOURNAL_BYTES, sizes.whole)) return this.put(one);
    const { whole, journal } = sizes;
    // One that fails half-way may be there or not: the next one is not to be written after it.
    this.#sizes.delete(id);
    const bytes = await appendChange(this.#journal(id), change, journal === 0);
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
    // In this order: the whole alone would be what was there before the changes.
    await rm(this.#file(id), { force: true });
    await removeJournal(this.#journal(id));
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
    const names = await readdir(this.#directory);
    const ours = names.filter(
      (name) => (OF_A_SERVICE.test(name) || UNFINISHED.test(name)) && !name.endsWith(LEAVING),
    );
    // As in `forget`.
    const inOrder = ours.sort((a, b) => Number(b.endsWith(SUFFIX)) - Number(a.endsWith(SUFFIX)));
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

/** What is wrong with it is not quoted, as JSON.parse does: it may be a key. Errors: SCHEMA_MISMATCH. */
const parsed = (bytes: Buffer): z.infer<typeof file> => {
  try {
    return file.parse(JSON.parse(bytes.toString()));
  } catch {
    throw new BorealisError('SCHEMA_MISMATCH', { detail: 'The file of a VPN service is damaged.' });
  }
};
