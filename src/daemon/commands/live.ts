/**
 * What happens to jobs while somebody watches: output as it is made, targets as they change. Output is kept here for
 * who comes late, within limits, until the target is done; what counts is in the result. A watcher that reads slowly
 * loses output, which it is told, and never a target.
 */

import type { FrameOf } from '../channel/consumer.ts';
import { Wakeup } from '../wakeup.ts';

/**
 * Characters: of one running target, of all together, of what one watcher has not read yet. Of one, as much as an agent
 * sends in one burst: whoever starts a job and then watches it misses nothing of a command that is quick and loud.
 */
const TARGET_KEPT = 1_048_576;
const ALL_KEPT = 33_554_432;
const UNREAD_LIMIT = 4_194_304;

export type OutputStream = 'stdout' | 'stderr';
export interface OutputPiece {
  readonly stream: OutputStream;
  readonly data: string;
}

export type FeedItem =
  | ({ readonly kind: 'output'; readonly guid: string; readonly device: string } & OutputPiece)
  | { readonly kind: 'target'; readonly guid: string; readonly over: boolean }
  | { readonly kind: 'finished' };

interface Kept {
  readonly jobId: string;
  readonly guid: string;
  readonly device: string;
  pieces: OutputPiece[];
  characters: number;
  nextSeq: number;
}

export interface RunningTarget {
  readonly jobId: string;
  readonly guid: string;
  /** Name of the device. */
  readonly device: string;
  readonly corrId: string;
}

export class LiveJobs {
  readonly #feeds = new Map<string, Set<JobFeed>>();
  readonly #kept = new Map<string, Kept>();
  #characters = 0;

  output({ corrId, jobId, guid, device }: RunningTarget, frame: FrameOf<'OUTPUT'>): void {
    let kept = this.#kept.get(corrId);
    if (!kept) {
      kept = { jobId, guid, device, pieces: [], characters: 0, nextSeq: frame.seq };
      this.#kept.set(corrId, kept);
    }
    // Sent again after a reconnection.
    if (frame.seq < kept.nextSeq) return;
    if (frame.seq > kept.nextSeq) this.#tell(kept, leftOut('some'));
    kept.nextSeq = frame.seq + 1;
    this.#tell(kept, { stream: frame.stream, data: frame.data });
  }

  #tell(kept: Kept, piece: OutputPiece): void {
    this.#keep(kept, piece);
    const { guid, device } = kept;
    for (const feed of this.#feeds.get(kept.jobId) ?? [])
      feed.push({ kind: 'output', guid, device, ...piece });
  }

  #keep(kept: Kept, piece: OutputPiece): void {
    kept.pieces.push(piece);
    kept.characters += piece.data.length;
    this.#characters += piece.data.length;
    const limit = this.#characters > ALL_KEPT ? 0 : TARGET_KEPT;
    let dropped = 0;
    while (kept.characters > limit && dropped < kept.pieces.length) {
      const { length } = kept.pieces[dropped++]!.data;
      kept.characters -= length;
      this.#characters -= length;
    }
    if (dropped > 0) kept.pieces = kept.pieces.slice(dropped);
  }

  /** After the commit that changed the target. `over`: there will be no more of its output. */
  changed(jobId: string, guid: string, corrId: string, over: boolean): void {
    const kept = over ? this.#kept.get(corrId) : undefined;
    if (kept) {
      this.#kept.delete(corrId);
      this.#characters -= kept.characters;
    }
    for (const feed of this.#feeds.get(jobId) ?? []) feed.push({ kind: 'target', guid, over });
  }

  finished(jobId: string): void {
    for (const feed of this.#feeds.get(jobId) ?? []) feed.push({ kind: 'finished' });
  }

  /** From this call on nothing is missed; what there was before is in `before`. Must be closed. */
  open(jobId: string): JobFeed {
    const before = new Map<string, readonly OutputPiece[]>();
    for (const kept of this.#kept.values()) if (kept.jobId === jobId) before.set(kept.guid, [...kept.pieces]);
    const feeds = this.#feeds.get(jobId) ?? new Set();
    const feed = new JobFeed(before, () => {
      feeds.delete(feed);
      if (feeds.size === 0) this.#feeds.delete(jobId);
    });
    this.#feeds.set(jobId, feeds.add(feed));
    return feed;
  }

  get watchers(): number {
    return this.#feeds.size;
  }
}

const leftOut = (much: string): OutputPiece => ({
  stream: 'stderr',
  data: `[${much} output is left out here; the result has what was kept]\n`,
});

export class JobFeed {
  /** Output of running targets until now, by GUID. */
  readonly before: ReadonlyMap<string, readonly OutputPiece[]>;
  readonly close: () => void;
  #items: FeedItem[] = [];
  #unread = 0;
  #losing = false;
  readonly #wakeup = new Wakeup();

  constructor(before: ReadonlyMap<string, readonly OutputPiece[]>, close: () => void) {
    this.before = before;
    this.close = close;
  }

  push(item: FeedItem): void {
    if (item.kind === 'output') {
      if (this.#unread + item.data.length > UNREAD_LIMIT) {
        if (!this.#losing) this.#items.push({ ...item, ...leftOut('much') });
        this.#losing = true;
        return;
      }
      this.#losing = false;
      this.#unread += item.data.length;
    }
    this.#items.push(item);
    this.#wakeup.wake();
  }

  /** What happened since the last call, at least one thing; nothing once the signal aborts. */
  async next(signal: AbortSignal): Promise<FeedItem[]> {
    while (this.#items.length === 0 && !signal.aborted) {
      await this.#wakeup.sleep(signal);
    }
    const items = this.#items;
    this.#items = [];
    this.#unread = 0;
    return signal.aborted ? [] : items;
  }
}
