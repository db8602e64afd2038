/** The one client of the local API, typed by the protocol's operations. CLI, screens and tests use it; there is no private door. */
import type { Readable } from 'node:stream';
import type { InputOf, OperationName, Operations, OutputOf, RequestOf } from '../protocol/operations.ts';
import type { CallOptions } from './exchange.ts';
import { wireRequest } from './request.ts';
import type { ApiTerminal } from './terminal.ts';

type Of<T> = { [N in OperationName]: Operations[N] extends { transport: T } ? N : never }[OperationName];
export type JsonOperation = Of<'json'>;
export type StreamOperation = Of<'stream'>;
export type TerminalOperation = Of<'terminal'>;
export type BinaryOperation = Of<'binary'>;
export type UploadOperation = Of<'upload'>;
/** Operations that answer a page at a time. */
export type PagedOperation = {
  [N in JsonOperation]: OutputOf<N> extends { items: unknown[]; next_cursor: string | null } ? N : never;
}[JsonOperation];
export type ItemOf<N extends PagedOperation> = OutputOf<N>['items'][number];

export type { CallOptions } from './exchange.ts';

export class Client {
  readonly socketPath: string;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** Errors: ENGINE_UNREACHABLE, TIMED_OUT, CANCELLED, and those of the operation. */
  async call<N extends JsonOperation>(
    name: N,
    input: InputOf<N>,
    options: CallOptions = {},
  ): Promise<OutputOf<N>> {
    const { exchange } = await import('./exchange.ts');
    return JSON.parse(await exchange(this.socketPath, wireRequest(name, input), options)) as OutputOf<N>;
  }

  /** All items of all pages, or at most `most`. */
  async all<N extends PagedOperation>(
    name: N,
    input: InputOf<N>,
    { most = Infinity, ...options }: CallOptions & { readonly most?: number | undefined } = {},
  ): Promise<ItemOf<N>[]> {
    const items: ItemOf<N>[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null && items.length < most) {
      const limit = Math.min(PAGE, most - items.length);
      const page: OutputOf<N> = await this.call(
        name,
        { ...input, limit, ...(cursor && { cursor }) },
        options,
      );
      if (items.length === 0) items.push(...page.items);
      else for (const item of page.items) items.push(item);
      cursor = page.next_cursor;
    }
    return items;
  }

  /**
   * The same as JSON, for whoever only hands it on: where one page holds them all, which is the rule, it is handed on as
   * it came. Reading ten thousand devices only to write them again takes longer than all the rest of a command.
   */
  async allText<N extends PagedOperation>(
    name: N,
    input: InputOf<N>,
    options: CallOptions = {},
  ): Promise<string> {
    const { exchange } = await import('./exchange.ts');
    const request = wireRequest(name, { ...input, limit: PAGE });
    const text = await exchange(this.socketPath, request, options);
    if (text.startsWith(PAGE_BEGINS) && text.endsWith(PAGE_ENDS))
      return text.slice(PAGE_BEGINS.length - 1, 1 - PAGE_ENDS.length);
    return JSON.stringify(await this.all(name, input, options));
  }

  /** Ends when the engine ends the stream or `signal` is aborted. Errors: as `call`, and those told within the stream. */
  async *stream<N extends StreamOperation>(
    name: N,
    input: InputOf<N>,
    signal?: AbortSignal,
  ): AsyncGenerator<OutputOf<N>, void, undefined> {
    const { openStream } = await import('./stream.ts');
    yield* openStream<OutputOf<N>>(this.socketPath, wireRequest(name, input).path, signal);
  }

  /** Both ways, until either end closes it or `signal` is aborted. Errors: ENGINE_UNREACHABLE, those of the operation. */
  async terminal<N extends TerminalOperation>(
    name: N,
    input: InputOf<N>,
    signal?: AbortSignal,
  ): Promise<ApiTerminal<OutputOf<N>, RequestOf<N>>> {
    const { ApiTerminal } = await import('./terminal.ts');
    return ApiTerminal.open(this.socketPath, wireRequest(name, input).path, signal);
  }

  async download<N extends BinaryOperation>(
    name: N,
    input: InputOf<N>,
    options: CallOptions = {},
  ): Promise<Readable> {
    const { send } = await import('./http.ts');
    return send(this.socketPath, wireRequest(name, input), options);
  }

  async upload<N extends UploadOperation>(
    name: N,
    input: InputOf<N>,
    body: Readable,
    options: CallOptions = {},
  ): Promise<OutputOf<N>> {
    const { send, readText } = await import('./http.ts');
    const answer = await send(this.socketPath, wireRequest(name, input), options, body);
    return JSON.parse(await readText(answer)) as OutputOf<N>;
  }
}

/** A page that is the only one, as the engine writes it. */
const PAGE_BEGINS = '{"items":[';
const PAGE_ENDS = '],"next_cursor":null}';

/** The largest page that the protocol allows. */
const PAGE = 10_000;
