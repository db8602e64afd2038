/**
 * VRRP decides: keepalived of this node and that of the other one agree between them, and put the address there and away.
 * Of a partition between the two it makes two masters (docs/adr/0008); who must not have that takes the engine's lease.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { BorealisError } from '../../../protocol/errors.ts';
import { ensurePrivateDirectory } from '../../../sys/files.ts';
import type { Decider, DeciderParts } from '../decider.ts';
import { filesIn, type KeepalivedFiles, keepalivedConfig, MAY, MAY_NOT, type VrrpState } from './config.ts';
import { endLeftOver, removeAddress, removeFiles } from './left-over.ts';
import { type Keepalived, startKeepalived } from './program.ts';

/** Between two adverts, and a bit: the master is well, as far as can be known. */
const KEPT_MS = 1_500;
/** A master that was told to leave has left long before. */
const LEAVING_MS = 1_000;
/** Timers of VRRP alone would give it to whoever began a few milliseconds earlier: the preferred node goes first. */
const MODESTY_MS = 1_500;
/** Four of them for each look that keepalived has (config.ts). */
const ALIVE_MS = 250;
const AGAIN_MS = 1_000;
const AGAIN_MAX_MS = 30_000;
/** Having run for so long, it was well. */
const WELL_MS = 60_000;

export class KeepalivedDecider implements Decider {
  /** Of a partition, and of a host that hangs. */
  readonly mayBeTwo = true;
  readonly #parts: DeciderParts;
  readonly #files: KeepalivedFiles;
  #running: Keepalived | undefined;
  #keeping: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();
  #isMaster = false;
  #may = false;
  #aliveAt = Number.NEGATIVE_INFINITY;
  #restFrom = Number.NEGATIVE_INFINITY;
  #restUntil = Number.NEGATIVE_INFINITY;
  #onLost: (() => void) | undefined;

  constructor(parts: DeciderParts, directory: string) {
    this.#parts = parts;
    this.#files = filesIn(directory);
  }

  start(): void {
    const { ha, clock } = this.#parts;
    if (!ha.preferred) this.#rest(clock.monotonic(), MODESTY_MS);
    this.#keeping = this.#keepRunning();
  }

  tick(now: number): void {
    if (!this.#running) return;
    // The other one has it: what it was left to that one for is done.
    if (this.#parts.otherHadAt() > this.#restFrom) this.#restUntil = Number.NEGATIVE_INFINITY;
    try {
      if (now - this.#aliveAt >= ALIVE_MS) {
        this.#aliveAt = now;
        writeFileSync(this.#files.alive, '', { mode: 0o600 });
      }
      const may = !this.rests(now) && (this.#isMaster || this.#parts.mayAsk(now));
      if (may === this.#may) return;
      this.#may = may;
      writeFileSync(this.#files.may, may ? MAY : MAY_NOT);
    } catch (error) {
      // It cannot be told any more (a full disk): it ends, and begins again without the right to the address.
      this.#parts.failed(error as Error);
      void this.#running.end();
    }
  }

  isKept(now: number): boolean {
    return now - this.#parts.otherHadAt() < KEPT_MS;
  }

  rests(now: number): boolean {
    return now < this.#restUntil;
  }

  #rest(now: number, ms: number): void {
    this.#restFrom = now;
    this.#restUntil = now + ms;
  }

  async release(restMs: number): Promise<void> {
    const now = this.#parts.clock.monotonic();
    this.#rest(now, restMs);
    if (!this.#isMaster) return;
    const lost = new Promise<void>((resolve) => {
      this.#onLost = resolve;
    });
    this.tick(now);
    await Promise.race([lost, delay(LEAVING_MS)]);
    if (this.#isMaster) await this.#running?.end();
  }

  voted(): void {} // the other node's votes, if it has another driver still, are of no use here

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running?.end();
    await this.#keeping;
    await endLeftOver(this.#files);
    await removeFiles(this.#files);
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const begun = performance.now();
      try {
        await this.#runOnce();
      } catch (error) {
        if (!signal.aborted) this.#parts.failed(error as Error);
      }
      if (performance.now() - begun > WELL_MS) failures = 0;
      // Woken by the end, which is what it waits for.
      await delay(Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** failures), null, { signal }).catch(() => undefined);
    }
  }

  /** Errors: COMMAND_FAILED when it has ended without our doing. */
  async #runOnce(): Promise<void> {
    const { ha, address } = this.#parts;
    const files = this.#files;
    await ensurePrivateDirectory(files.directory);
    await endLeftOver(files);
    const wanted = {
      address: ha.address.split('/')[0] ?? '',
      interfaceName: address.interfaceName,
      routerId: ha.router_id,
      preferred: ha.preferred,
    };
    const config = keepalivedConfig(wanted, files);
    const running = await startKeepalived(files, config, (state) => this.#became(state));
    this.#may = false;
    this.#running = running;
    if (this.#closing.signal.aborted) await running.end();
    const how = await running.exited;
    this.#running = undefined;
    // Killed, it could not do that itself.
    await removeAddress(files);
    this.#became('STOP');
    if (!this.#closing.signal.aborted)
      throw new BorealisError('COMMAND_FAILED', { detail: `keepalived ${how}` });
  }

  #became(state: VrrpState): void {
    const isMaster = state === 'MASTER';
    if (isMaster === this.#isMaster) return;
    this.#isMaster = isMaster;
    if (isMaster) this.#parts.took();
    else {
      this.#parts.lost();
      this.#onLost?.();
    }
  }
}
