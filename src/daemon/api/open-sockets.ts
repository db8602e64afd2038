/** The WebSockets that are open, whatever is said on them: who is gone is cut off, who lost its role is told so. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { BorealisError } from '../../protocol/errors.ts';
import { STREAM_CLOSE } from '../../protocol/stream.ts';
import type { Door } from './gate.ts';
import type { ApiOptions } from './options.ts';
import type { Route } from './route.ts';

const PING_MS = 30_000;

export interface Watcher {
  readonly socket: Socket;
  readonly route: Route;
  readonly hungUp: AbortController;
  /** Called when grants changed and it may stay. */
  rechecked?(): void;
  /** Heard since the last ping. */
  alive: boolean;
}

type Options = Pick<ApiOptions, 'gate' | 'log' | 'pingMs'>;

export class OpenSockets {
  readonly #options: Options;
  readonly #watchers = new Map<WebSocket, Watcher>();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  get count(): number {
    return this.#watchers.size;
  }

  add(ws: WebSocket, watcher: Watcher): void {
    this.#watchers.set(ws, watcher);
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#options.pingMs ?? PING_MS).unref();
    ws.on('pong', () => {
      watcher.alive = true;
    });
    ws.on('error', (error) => this.#options.log.debug({ err: error }, 'a watcher broke off'));
    ws.on('close', () => {
      this.#watchers.delete(ws);
      watcher.hungUp.abort(new BorealisError('CANCELLED'));
      if (this.#watchers.size > 0) return;
      clearInterval(this.#heartbeat);
      this.#heartbeat = undefined;
    });
  }

  /** Ends the streams of those whose role no longer allows them. To be called when grants change. */
  recheck(): void {
    for (const [ws, watcher] of this.#watchers) {
      if (this.#options.gate.passes(watcher.socket, doorOf(watcher.route))) watcher.rechecked?.();
      else ws.close(STREAM_CLOSE.forbidden, 'NOT_PERMITTED');
    }
  }

  #beat(): void {
    for (const [ws, watcher] of this.#watchers) {
      if (!watcher.alive) {
        ws.terminate();
        continue;
      }
      watcher.alive = false;
      ws.ping();
    }
  }

  /** Tells every watcher that the engine stops. */
  goAway(): void {
    for (const ws of this.#watchers.keys()) ws.close(STREAM_CLOSE.goingAway, 'ENGINE_STARTING');
  }

  cut(): void {
    for (const ws of this.#watchers.keys()) ws.terminate();
  }
}

export const doorOf = (route: Route): Door => ({ action: route.name, role: route.operation.role });

/** Resolves once the bytes were handed to the kernel, or the connection is gone. */
export const send = (ws: WebSocket, text: string): Promise<void> =>
  new Promise((resolve) => {
    ws.send(text, () => resolve());
  });
