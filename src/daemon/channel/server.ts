/** The engine's end of all agent channels: from the upgrade that the listener hands over to the last close. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { RawData, WebSocket } from 'ws';
import type { Config } from '../../config/settings.ts';
import { CLOSE, type FromAgent } from '../../protocol/frame.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import { VERSION } from '../../protocol/version.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { EventLog } from '../events/log.ts';
import type { SecurityWatch } from '../trust/security-watch.ts';
import type { ChannelAcceptor, ConnectedAgent } from './accept.ts';
import { AgentChannel } from './agent-channel.ts';
import { AgentSockets, CLOSE_MS, peerAddress, refuseUpgrade } from './agent-socket.ts';
import { BURST_BYTES, chargeBytes, chargeFrame, FRAME_BURST } from './budget.ts';
import type { Channels } from './channels.ts';
import type { ChannelConsumer, FrameHandlers, Parting } from './consumer.ts';
import { deliver } from './deliver.ts';
import { type ReadFrame, readFrame } from './frame-reader.ts';
import { type Greeted, Greeter, type Hello } from './greeter.ts';
import { CHANNEL_LIFE_MS, endedInSilence, lookAfter, nextLook } from './health.ts';
import { Looks } from './looks.ts';
import { Presence } from './presence.ts';
import { ChannelRegistry } from './registry.ts';

/** Whoever is here has shown certificate, token and proof. Ten thousand that come at once wait for their turn to be heard. */
export const HELLO_MS = 60_000;
const TICK_MS = 1_000;
const BINARY: ReadFrame = { problem: 'binary message' };

export interface ChannelServerParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  /** Of the component `channel`. */
  readonly log: Logger;
  readonly watch: Pick<SecurityWatch, 'alert'>;
  readonly config: () => Pick<Config, 'heartbeat_seconds' | 'telemetry_seconds' | 'offline_after_seconds'>;
}

export interface ChannelCounters {
  /** Frames taken, and channels closed because of what came through them. */
  frames: number;
  malformed: number;
  tooFast: number;
  superseded: number;
  silent: number;
}

export class ChannelServer implements Channels, ChannelAcceptor {
  readonly counters: ChannelCounters = { frames: 0, malformed: 0, tooFast: 0, superseded: 0, silent: 0 };
  readonly #parts: ChannelServerParts;
  readonly #registry = new ChannelRegistry();
  readonly #looks = new Looks();
  readonly #presence: Presence;
  readonly #greeter: Greeter;
  readonly #sockets: AgentSockets;
  readonly #consumers: ChannelConsumer[] = [];
  readonly #frames: Partial<FrameHandlers> = {};
  /** Hung up, but the socket is not closed yet. */
  readonly #leaving = new Set<AgentChannel>();
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #left: (() => void) | undefined;

  constructor(parts: ChannelServerParts) {
    this.#parts = parts;
    this.#presence = new Presence({ ...parts, registry: this.#registry });
    this.#greeter = new Greeter({
      store: parts.store,
      log: parts.log,
      welcome: (channel, hello, device) => this.#welcome(channel, hello, device),
      refuse: (channel, code, reason) => this.#drop(channel, code, reason, 'left'),
    });
    this.#sockets = new AgentSockets({
      message: (channel, data, isBinary) => this.#message(channel, data, isBinary),
      control: (channel) => this.#charge(channel, 'control'),
      failed: (channel, error) => this.#failed(channel, error),
      closed: (channel, code) => this.#closed(channel, code),
    });
  }

  /** To be called before `start`. */
  attach(consumer: ChannelConsumer): void {
    this.#consumers.push(consumer);
    for (const type of Object.keys(consumer.frames ?? {})) {
      if (type in this.#frames) throw new Error(`two consumers want the ${type} frames`);
    }
    Object.assign(this.#frames, consumer.frames);
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Tells every agent to come back later, and stores who was last seen when. Resolves when the sockets are closed. */
  async close(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#timer);
    await this.#presence.close();
    const all = [...this.#registry.fresh, ...this.#registry.ready()];
    for (const channel of all) this.#drop(channel, CLOSE.goingAway, 'the engine stops', 'broke');
    if (this.#leaving.size === 0) return;
    const left = new Promise<void>((resolve) => {
      this.#left = resolve;
    });
    const cut = setTimeout(() => {
      for (const channel of this.#leaving) channel.cut();
    }, CLOSE_MS / 2);
    await left;
    clearTimeout(cut);
  }

  // Channels

  get(guid: string, context: AgentContext): AgentChannel | undefined {
    return this.#registry.get(guid, context);
  }

  isOnline(guid: string): boolean {
    return this.#registry.isOnline(guid);
  }

  online(): Iterable<string> {
    return this.#registry.online();
  }

  get count(): number {
    return this.#registry.count;
  }

  disconnect(guid: string, code: number, reason: string): void {
    for (const channel of this.#registry.of(guid)) this.#drop(channel, code, reason, 'left');
  }

  // Connections

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, agent: ConnectedAgent): void {
    if (this.#stopping) refuseUpgrade(socket, '503 Service Unavailable');
    else this.#sockets.upgrade(request, socket, head, (ws) => this.#opened(ws, agent, peerAddress(request)));
  }

  #opened(ws: WebSocket, agent: ConnectedAgent, address: string): AgentChannel {
    const { clock } = this.#parts;
    const channel = new AgentChannel(ws, agent, {
      clock,
      address,
      endsAt: clock.monotonic() + CHANNEL_LIFE_MS * (1 - Math.random() / 6),
      frameTokens: FRAME_BURST,
      byteTokens: BURST_BYTES,
    });
    this.#registry.fresh.add(channel);
    return channel;
  }

  #welcome(channel: AgentChannel, hello: Hello, device: Greeted): void {
    const { config, clock } = this.#parts;
    const { heartbeat_seconds, telemetry_seconds } = config();
    const wasOnline = this.#registry.isOnline(channel.guid);
    channel.name = device.name;
    channel.wireguardKey = hello.wireguard_key ?? null;
    channel.hostsServices = hello.bastion ?? false;
    channel.phase = 'ready';
    const old = this.#registry.admit(channel);
    this.#looks.at(channel, clock.monotonic());
    channel.send({
      type: 'WELCOME',
      engine_version: VERSION,
      now: new Date(clock.now()).toISOString(),
      heartbeat_ms: heartbeat_seconds * 1000,
      telemetry_ms: telemetry_seconds * 1000,
    });
    if (old) {
      this.counters.superseded++;
      this.#parts.log.info(
        { device: channel.name, context: channel.context, from: old.address, to: channel.address },
        'a newer channel takes the place of the old',
      );
      this.#drop(old, CLOSE.superseded, 'a newer channel took this one’s place', 'replaced');
    }
    this.#presence.welcomed(channel, hello, device, wasOnline);
    for (const consumer of this.#consumers) consumer.onReady?.(channel);
  }

  #message(channel: AgentChannel, data: RawData, isBinary: boolean): void {
    if (channel.phase === 'closed') return;
    channel.heardAt = this.#parts.clock.monotonic();
    const text = isBinary ? '' : data.toString();
    const { frame, problem } = isBinary ? BINARY : readFrame(text);
    if (!frame) {
      this.#malformed(channel, problem);
      return;
    }
    this.counters.frames++;
    if (!chargeBytes(channel, frame.type, text.length, channel.heardAt)) {
      channel.pause();
      this.#looks.at(channel, channel.heardAt);
    }
    if (frame.type !== 'OUTPUT' && !this.#charge(channel, frame.type)) return;
    try {
      this.#handle(channel, frame);
    } catch (error) {
      // Ours to mend; the other ten thousand must not suffer for it.
      this.#parts.log.error(
        { err: error, device: channel.name, frame: frame.type },
        'a frame was not handled',
      );
      this.#drop(channel, CLOSE.goingAway, 'INTERNAL', 'broke');
    }
  }

  #handle(channel: AgentChannel, frame: FromAgent): void {
    if (frame.type === 'HELLO') this.#hello(channel, frame);
    else if (channel.phase === 'fresh') this.#malformed(channel, 'HELLO comes first');
    else if (frame.type === 'PING') channel.sendText(`{"type":"PONG","t":${JSON.stringify(frame.t)}}`);
    // What is sent while the greeting is under way, an honest agent sends again.
    else if (frame.type !== 'PONG' && channel.phase === 'ready') {
      if (frame.type === 'TELEMETRY') this.#presence.timeThere(channel, frame.sample.at);
      deliver(this.#frames, channel, frame);
    }
  }

  #hello(channel: AgentChannel, hello: Hello): void {
    if (channel.phase !== 'fresh') {
      this.#malformed(channel, 'a second HELLO');
      return;
    }
    if (hello.guid === channel.guid && hello.context === channel.context) {
      this.#greeter.greet(channel, hello);
      return;
    }
    void this.#parts.watch.alert({
      code: 'NOT_ADDRESSED',
      subject: channel.guid,
      message: `${channel.name} (${channel.context}) introduced itself as another agent`,
      device: { guid: channel.guid, name: channel.name },
      data: { claimed_guid: hello.guid, claimed_context: hello.context, address: channel.address },
    });
    this.#drop(channel, CLOSE.unauthorised, 'HELLO of another agent', 'left');
  }

  #charge(channel: AgentChannel, type: FromAgent['type'] | 'control'): boolean {
    if (channel.phase === 'closed') return false;
    if (chargeFrame(channel, type, this.#parts.clock.monotonic())) return true;
    this.counters.tooFast++;
    this.#refused(channel, 'it talks too fast');
    this.#drop(channel, CLOSE.tooFast, 'RATE_LIMITED', 'broke');
    return false;
  }

  #malformed(channel: AgentChannel, problem: string): void {
    this.counters.malformed++;
    this.#refused(channel, problem);
    this.#drop(channel, CLOSE.malformed, problem, 'broke');
  }

  /** What `ws` refused by itself: too large, bad UTF-8, bad framing. It has sent its close code already. */
  #failed(channel: AgentChannel, error: Error): void {
    if (channel.phase === 'closed') return;
    this.counters.malformed++;
    this.#refused(channel, error.message);
    this.#drop(channel, CLOSE.malformed, 'malformed', 'broke');
  }

  #refused({ name, guid, context, address }: AgentChannel, problem: string): void {
    this.#parts.log.warn(
      { device: name, guid, context, address, problem },
      'a channel was closed for what came',
    );
  }

  #closed(channel: AgentChannel, code: number): void {
    this.#gone(channel, code === CLOSE.clean || code === CLOSE.goingAway ? 'left' : 'broke');
    this.#leaving.delete(channel);
    if (this.#stopping && this.#leaving.size === 0) this.#left?.();
  }

  #drop(channel: AgentChannel, code: number, reason: string, parting: Parting): void {
    if (channel.phase === 'closed') return;
    this.#leaving.add(channel);
    this.#gone(channel, parting);
    channel.hangUp(code, reason);
  }

  #gone(channel: AgentChannel, parting: Parting): void {
    if (channel.phase === 'closed') return;
    const wasReady = channel.phase === 'ready';
    channel.phase = 'closed';
    this.#registry.remove(channel);
    if (!wasReady) return;
    this.#presence.closed(channel, parting);
    for (const consumer of this.#consumers) consumer.onClosed?.(channel, parting);
  }

  /** One look at every channel whose time has come: cheaper than a timer for each. */
  #tick(): void {
    const now = this.#parts.clock.monotonic();
    const silence = this.#parts.config().offline_after_seconds * 1000;
    const times = { now, time: this.#parts.clock.now(), silence };
    for (const channel of this.#registry.fresh) {
      if (channel.phase === 'fresh' && now - channel.heardAt > HELLO_MS)
        this.#malformed(channel, 'no HELLO came');
    }
    for (const channel of this.#looks.take(now)) {
      const end = lookAfter(channel, times);
      if (!end) {
        this.#looks.at(channel, nextLook(channel, times, this.#presence.look(channel, now)));
        continue;
      }
      if (endedInSilence(end)) this.counters.silent++;
      this.#drop(channel, end.code, end.reason, end.parting);
    }
    this.#presence.tick(now);
    for (const consumer of this.#consumers) consumer.onTick?.(now);
  }
}

export const createChannelServer = (parts: ChannelServerParts): ChannelServer => new ChannelServer(parts);
