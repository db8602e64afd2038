/**
 * Output as it is made, for watchers: OUTPUT frames of at most 32 KiB. A slow link or a loud program costs watchers
 * some of it, never the agent its memory: what cannot be sent now is dropped, and its `seq` with it, so that the gap
 * shows. The result has its own copy.
 */
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../sys/clock.ts';
import type { Uplink } from './channel.ts';

export type OutputStream = 'stdout' | 'stderr';

const FRAME_CHARACTERS = 32_768;
/** Short bursts of small writes go as one frame. */
const GATHER_MS = 50;
const UNSENT_MAX_BYTES = 524_288;
/** A watcher reads no more than this; a program that never stops talking must not fill the engine's disk. */
const BURST_BYTES = 1_048_576;
const BYTES_PER_MS = 128;

export class LiveOutput {
  readonly #corrId: string;
  readonly #uplink: Uplink;
  readonly #clock: Clock;
  readonly #waiting: Record<OutputStream, string> = { stdout: '', stderr: '' };
  readonly #decoders: Record<OutputStream, StringDecoder> = {
    stdout: new StringDecoder('utf8'),
    stderr: new StringDecoder('utf8'),
  };
  #timer: NodeJS.Timeout | undefined;
  #seq = 0;
  #allowance = BURST_BYTES;
  #allowanceAt: number;

  constructor(corrId: string, uplink: Uplink, clock: Clock) {
    this.#corrId = corrId;
    this.#uplink = uplink;
    this.#clock = clock;
    this.#allowanceAt = clock.monotonic();
  }

  write(stream: OutputStream, chunk: Buffer): void {
    this.#waiting[stream] += this.#decoders[stream].write(chunk);
    if (this.#waiting[stream].length >= FRAME_CHARACTERS) this.#flush(stream, false);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flush('stdout', true);
      this.#flush('stderr', true);
    }, GATHER_MS);
  }

  /** Sends the rest. */
  end(): void {
    clearTimeout(this.#timer);
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#waiting[stream] += this.#decoders[stream].end();
      this.#flush(stream, true);
    }
  }

  #flush(stream: OutputStream, all: boolean): void {
    let text = this.#waiting[stream];
    while (text.length >= FRAME_CHARACTERS || (all && text.length > 0)) {
      const length = wholeCharacters(text, FRAME_CHARACTERS);
      this.#send(stream, text.slice(0, length));
      text = text.slice(length);
    }
    this.#waiting[stream] = text;
  }

  #send(stream: OutputStream, data: string): void {
    const seq = this.#seq++;
    const now = this.#clock.monotonic();
    this.#allowance = Math.min(BURST_BYTES, this.#allowance + (now - this.#allowanceAt) * BYTES_PER_MS);
    this.#allowanceAt = now;
    if (this.#uplink.buffered > UNSENT_MAX_BYTES || this.#allowance < data.length) return;
    this.#allowance -= data.length;
    this.#uplink.send({ type: 'OUTPUT', corr_id: this.#corrId, seq, stream, data });
  }
}

/** At most `limit` UTF-16 units, and no surrogate pair cut in two. */
function wholeCharacters(text: string, limit: number): number {
  if (text.length <= limit) return text.length;
  const last = text.charCodeAt(limit - 1);
  return last >= 0xd800 && last <= 0xdbff ? limit - 1 : limit;
}
