/**
 * Two nodes, a witness, and a network between them, in simulated time: messages are late, lost, doubled and overtaken,
 * links fail in one direction, processes are killed, stopped and started, clocks run at different rates. What the kernel of
 * a node does about the address goes on whatever becomes of the process.
 */
import { HaNode, type Sent, type Step } from '../../src/ha/node.ts';
import { LEASE, type LeaseTimes, Voter } from '../../src/ha/voter.ts';
import { answerTo } from '../../src/ha/voting.ts';

export type Name = 'primary' | 'standby' | 'witness';
export const NAMES: readonly Name[] = ['primary', 'standby', 'witness'];
const TICK_MS = 20;

export type Fault =
  | { readonly kind: 'kill'; readonly at: number; readonly who: Name; readonly for: number }
  | { readonly kind: 'stop'; readonly at: number; readonly who: Name; readonly for: number }
  | {
      readonly kind: 'cut';
      readonly at: number;
      readonly from: Name;
      readonly to: Name;
      readonly for: number;
    }
  | { readonly kind: 'slow'; readonly at: number; readonly for: number; readonly delay: number }
  | { readonly kind: 'switch'; readonly at: number };

interface Message {
  readonly from: string;
  readonly sent: Sent;
}

class Machine {
  readonly name: Name;
  readonly #world: World;
  readonly #offset: number;
  readonly #rate: number;
  incarnation = 0;
  voter!: Voter;
  node: HaNode | undefined;
  deadUntil = 0;
  stoppedUntil = 0;
  waiting: Message[] = [];
  /** True time until which the kernel has the address. */
  addressUntil = 0;

  constructor(world: World, name: Name, offset: number, rate: number) {
    this.#world = world;
    this.name = name;
    this.#offset = offset;
    this.#rate = rate;
    this.begin();
  }

  get clock(): number {
    return this.#offset + this.#world.now * this.#rate;
  }

  get id(): string {
    return `${this.name}/${this.incarnation}`;
  }

  get runs(): boolean {
    return this.#world.now >= this.deadUntil && this.#world.now >= this.stoppedUntil;
  }

  begin(): void {
    this.incarnation += 1;
    this.waiting = [];
    this.voter = new Voter(this.#world.times, this.clock);
    if (this.name === 'witness') return;
    this.node = new HaNode({
      name: this.id,
      others: this.name === 'primary' ? ['standby', 'witness'] : ['primary', 'witness'],
      times: this.#world.times,
      voter: this.voter,
      modesty: () => (this.name === 'primary' ? 0 : 150),
      firstQuestion: Math.floor(this.#world.random() * 2 ** 47),
    });
  }

  take({ from, sent }: Message): void {
    if (sent.message.kind === 'answer') {
      // To this process or to one before it: the wire does not tell.
      if (this.node) this.do(this.node.heard(from, sent.message, this.clock));
      return;
    }
    const answer = answerTo(this.voter, from, sent.message, this.clock);
    if (answer) this.#world.send(this.name, answer);
  }

  do({ send, lifetime }: Step): void {
    const { now } = this.#world;
    if (lifetime !== null) {
      const late = lifetime === 0 ? 0 : this.#world.random() * this.#world.times.kernelLate;
      this.addressUntil = lifetime === 0 ? now : now + lifetime / this.#rate + late;
      this.#world.check();
    }
    for (const sent of send) this.#world.send(sent.message.kind === 'answer' ? this.name : this.id, sent);
  }
}

export class World {
  readonly times: LeaseTimes;
  readonly random: () => number;
  readonly machines: Readonly<Record<Name, Machine>>;
  now = 0;
  delay = 5;
  loss = 0.02;
  #faults: Fault[];
  readonly #cuts: { from: Name; to: Name; until: number }[] = [];
  #slow: { until: number; delay: number } | undefined;
  #flying: { at: number; to: Name; message: Message }[] = [];
  /** Times at which nobody had the address began, and how long that was. */
  readonly gaps: { readonly at: number; readonly for: number }[] = [];
  #goneSince: number | undefined;

  constructor(faults: readonly Fault[], random: () => number, times: LeaseTimes = LEASE) {
    this.times = times;
    this.random = random;
    this.#faults = [...faults].sort((a, b) => a.at - b.at);
    const machine = (name: Name) =>
      new Machine(this, name, random() * 1e9, 1 + (random() - 0.5) * times.drift * 0.9);
    this.machines = { primary: machine('primary'), standby: machine('standby'), witness: machine('witness') };
  }

  get holders(): Name[] {
    return (['primary', 'standby'] as const).filter((name) => this.machines[name].addressUntil > this.now);
  }

  check(): void {
    if (this.holders.length > 1) throw new Error(`at ${this.now} both have the address`);
  }

  send(from: string, sent: Sent): void {
    const [source, to] = [from.split('/')[0] as Name, sent.to.split('/')[0] as Name];
    const cut = this.#cuts.some((one) => one.from === source && one.to === to && one.until > this.now);
    const slow = this.#slow && this.#slow.until > this.now ? this.#slow.delay : this.delay;
    for (let copies = this.random() < 0.02 ? 2 : 1; copies > 0; copies -= 1)
      if (!cut && this.random() >= this.loss)
        this.#flying.push({ at: this.now + 1 + this.random() * slow, to, message: { from, sent } });
  }

  run(until: number): void {
    for (; this.now < until; this.now += 1) {
      this.#strike();
      const due = this.#flying.filter(({ at }) => at <= this.now);
      this.#flying = this.#flying.filter(({ at }) => at > this.now);
      for (const { to, message } of due) this.#deliver(this.machines[to], message);
      if (this.now % TICK_MS === 0) for (const name of NAMES) this.#tick(this.machines[name]);
      this.#watch();
    }
  }

  #deliver(machine: Machine, message: Message): void {
    if (this.now < machine.deadUntil) return;
    if (machine.runs) machine.take(message);
    else machine.waiting.push(message);
  }

  #tick(machine: Machine): void {
    if (!machine.runs) return;
    if (machine.deadUntil > 0) {
      machine.deadUntil = 0;
      machine.begin();
    }
    const waiting = machine.waiting;
    machine.waiting = [];
    for (const message of waiting) machine.take(message);
    if (machine.node) machine.do(machine.node.tick(machine.clock));
  }

  #strike(): void {
    while (this.#faults[0] && this.#faults[0].at <= this.now) {
      const fault = this.#faults.shift()!;
      if (fault.kind === 'cut') this.#cuts.push({ ...fault, until: this.now + fault.for });
      else if (fault.kind === 'slow') this.#slow = { until: this.now + fault.for, delay: fault.delay };
      else if (fault.kind === 'kill') this.machines[fault.who].deadUntil = this.now + fault.for;
      else if (fault.kind === 'stop') this.machines[fault.who].stoppedUntil = this.now + fault.for;
      else
        for (const name of this.holders) {
          const machine = this.machines[name];
          if (machine.runs && machine.node?.holding) machine.do(machine.node.release(machine.clock, 3_000));
        }
    }
  }

  #watch(): void {
    if (this.holders.length === 0) this.#goneSince ??= this.now;
    else if (this.#goneSince !== undefined) {
      this.gaps.push({ at: this.#goneSince, for: this.now - this.#goneSince });
      this.#goneSince = undefined;
    }
  }
}
