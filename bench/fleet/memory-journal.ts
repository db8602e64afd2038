/** The journal of a simulated agent: what src/agent/spool.ts keeps on disk, kept in memory. */
import type { Journal, JournalEntry, Stage } from '../../src/agent/journal.ts';
import type { CommandClaims } from '../../src/protocol/command.ts';

interface Kept extends JournalEntry {
  readonly envelope?: string;
}

export class MemoryJournal implements Journal {
  readonly #kept = new Map<string, Kept>();
  readonly #nonces = new Set<string>();

  find(corrId: string): JournalEntry | undefined {
    return this.#kept.get(corrId);
  }

  hasNonce(nonce: string): boolean {
    return this.#nonces.has(nonce);
  }

  get unsettled(): number {
    return this.finishedOnes().length;
  }

  async add({ corr_id: corrId, nonce, exp }: CommandClaims, stage: 'queued' | 'started'): Promise<void> {
    this.#nonces.add(nonce);
    this.#kept.set(corrId, { corrId, nonce, exp, stage });
  }

  async started(corrId: string): Promise<void> {
    this.#move(corrId, 'started');
  }

  async finished(corrId: string, envelope: string): Promise<boolean> {
    this.#move(corrId, 'finished', envelope);
    return true;
  }

  async result(corrId: string): Promise<string> {
    return this.#kept.get(corrId)?.envelope ?? '';
  }

  async settled(corrId: string): Promise<void> {
    this.#move(corrId, 'settled');
  }

  async remember({ nonce }: CommandClaims): Promise<void> {
    this.#nonces.add(nonce);
  }

  finishedOnes(): readonly string[] {
    return [...this.#kept.values()].filter(({ stage }) => stage === 'finished').map(({ corrId }) => corrId);
  }

  #move(corrId: string, stage: Stage, envelope?: string): void {
    const entry = this.#kept.get(corrId);
    if (!entry) return;
    const { envelope: _, ...rest } = entry;
    this.#kept.set(corrId, { ...rest, stage, ...(envelope !== undefined && { envelope }) });
  }
}
