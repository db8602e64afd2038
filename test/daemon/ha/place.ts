/**
 * The engine's half of pairs, with a real store and real channels; the devices say what a test wants. Who runs a service
 * is remembered here instead of being sent: that is daemon/vpn's business, and tried with it.
 */
import type { Caller, OperationName } from '../../../src/daemon/capability.ts';
import type { HaNode } from '../../../src/daemon/ha/bastions.ts';
import { createHa } from '../../../src/daemon/ha/create.ts';
import type { HostedHaState } from '../../../src/protocol/bastion.ts';
import { haOperations } from '../../../src/protocol/ha.ts';
import type { InputOf, OutputOf } from '../../../src/protocol/operations.ts';
import type { Store } from '../../../src/store/store.ts';
import { type TestAgent, TestAgents, type TestDevice, until } from '../agents.ts';

export const OFFICE = 'officeoffice';
type HaOperation = Extract<OperationName, `ha.${string}`>;

export class HaPlace {
  readonly agents: TestAgents;
  readonly ha: ReturnType<typeof createHa>;
  /** What the nodes were told to be, each time. */
  readonly told: (readonly HaNode[] | null)[] = [];
  /** Who was asked to give the address away. */
  readonly asked: string[] = [];
  /** Does what devices do when they are told. */
  onChanged: () => void = () => undefined;
  onAsked: (guid: string) => void = () => undefined;
  revision = 0;
  /** Who does not know yet what it is to be. */
  untold: string[] = [];

  private constructor(agents: TestAgents) {
    this.agents = agents;
    const { store, events, audit, clock, keys, channels, watch, log } = agents;
    this.ha = createHa({
      store,
      events,
      audit,
      clock,
      keys,
      channels,
      watch,
      log,
      bastions: {
        hosts: (guid) => channels.get(guid, 'system')?.hostsServices,
        changed: async ({ id }) => {
          this.revision += 1;
          this.told.push(this.ha.pairs.nodesOf(id));
          this.onChanged();
        },
        revision: () => this.revision,
        untold: async () => this.untold,
        giveAway: (guid) => {
          this.asked.push(guid);
          this.onAsked(guid);
          return channels.get(guid, 'system') !== undefined;
        },
      },
    });
    channels.attach({
      frames: { BASTION_STATE: (channel, frame) => this.ha.heard(channel, frame) },
    });
  }

  /** `directory` of one before: an engine after it. */
  static async open(directory?: string, wrap?: (store: Store) => Store): Promise<HaPlace> {
    const agents = await TestAgents.open(directory, wrap);
    const place = new HaPlace(agents);
    await place.ha.start();
    await agents.start();
    if (directory === undefined) await place.service();
    return place;
  }

  async close({ keep = false } = {}): Promise<void> {
    this.ha.close();
    await this.agents.close({ keep });
  }

  async service(
    rest: { id?: string; name?: string; endpoint?: string; listen_port?: number } = {},
  ): Promise<void> {
    await this.agents.store.write(async ({ db }) => {
      await db
        .insertInto('vpn_service')
        .values({
          id: OFFICE,
          name: 'office',
          project: 'lab',
          labels_json: '{}',
          endpoint: 'vpn.example.org:51820',
          pool: '10.8.0.0/24',
          pool6: null,
          dns_json: '[]',
          local_subnets_json: '[]',
          masquerade: 0,
          mtu: 1_420,
          listen_port: 51_820,
          interface: rest.name === undefined ? 'bvpn0' : `bvpn-${rest.name}`,
          public_key: 'A'.repeat(43),
          given: 1,
          created_at: 0,
          created_by: 'ada',
          node: 'engine',
          revision: 0,
          told: null,
          ...rest,
        })
        .execute();
    });
  }

  call<N extends HaOperation>(name: N, input: InputOf<N>, by: Partial<Caller> = {}): Promise<OutputOf<N>> {
    const call = this.agents.call(name);
    const caller: Caller = { ...call.caller, user: 'ada', ...by };
    const parsed = haOperations[name].input.parse(input);
    const handler = this.ha.operations[name] as (input: unknown, call: unknown) => Promise<OutputOf<N>>;
    return handler(parsed, {
      ...call,
      caller,
      audit: (tx: never, record: object) =>
        this.agents.audit.record(tx, { actor: caller.user, action: name, ...record }),
    });
  }

  /** A device whose agent hosts services. */
  async node(device: TestDevice, { bastion = true } = {}): Promise<Node> {
    const agent = await this.agents.dial(device);
    agent.send(agent.hello(bastion ? { bastion } : {}));
    await agent.next('WELCOME');
    return new Node(this, device, agent);
  }

  async enrolled(name: string): Promise<Node> {
    return this.node(await this.agents.enrol(name));
  }

  enable(rest: Partial<InputOf<'ha.enable'>> = {}, by: Partial<Caller> = {}) {
    return this.call(
      'ha.enable',
      { vpn: 'office', primary: 'one', standby: 'two', address: '192.0.2.10/24', ...rest },
      by,
    );
  }

  /** Two nodes and their pair; the first has the address. */
  async pair(rest: Partial<InputOf<'ha.enable'>> = {}): Promise<[Node, Node]> {
    const [one, two] = [await this.enrolled('one'), await this.enrolled('two')];
    this.onChanged = () => {
      one.state({ role: 'holder', endpoint: '192.0.2.1:47002' });
      two.state({ role: 'standby', endpoint: '192.0.2.2:47002' });
    };
    await this.enable(rest);
    this.onChanged = () => undefined;
    // Each was told where the other one is.
    await until(() => this.told.at(-1)?.every(({ ha }) => ha.other_endpoint !== null));
    one.state({ role: 'holder' });
    two.state({ role: 'standby' });
    await this.settled(one, two);
    return [one, two];
  }

  async settled(...nodes: readonly Node[]): Promise<void> {
    for (const { agent } of nodes) await agent.settled();
  }

  audited(action: string) {
    return this.agents.store.read
      .selectFrom('audit')
      .select(['actor', 'action', 'target', 'result'])
      .where('action', '=', action)
      .execute();
  }
}

export class Node {
  readonly device: TestDevice;
  readonly agent: TestAgent;
  readonly #place: HaPlace;
  endpoint = '192.0.2.9:47002';

  constructor(place: HaPlace, device: TestDevice, agent: TestAgent) {
    this.#place = place;
    this.device = device;
    this.agent = agent;
  }

  get guid(): string {
    return this.device.guid;
  }

  state(
    ha: Partial<HostedHaState>,
    rest: { state?: 'up' | 'failed'; error_code?: string; error?: string; revision?: number } = {},
  ): void {
    this.endpoint = ha.endpoint ?? this.endpoint;
    this.agent.send({
      type: 'BASTION_STATE',
      service: OFFICE,
      revision: this.#place.revision,
      state: 'up',
      error_code: null,
      error: null,
      ...rest,
      ha: {
        role: 'standby',
        endpoint: this.endpoint,
        other_heard: true,
        endpoints: 3,
        clock_behind: 0,
        stranger: null,
        ...ha,
      },
    });
  }

  ask(question: number, { from = `${this.guid}/AAAAAAAAAAAA`, firm = true, service = OFFICE } = {}): void {
    this.agent.send({ type: 'BASTION_VOTE', service, from, message: { kind: 'ask', question, firm } });
  }

  switched(id: string, rest: Record<string, unknown> = {}, ahead = 0): void {
    const now = this.#place.agents.clock.now() + ahead;
    const one = {
      id,
      at: new Date(now).toISOString(),
      reason: 'lost',
      from: null,
      to: this.guid,
      gap_ms: 2_345,
      clients: 3,
      back: 3,
      ...rest,
    };
    this.agent.send({
      type: 'BASTION_SWITCHES',
      service: OFFICE,
      now: new Date(now).toISOString(),
      switches: [one],
    });
  }

  /** Of a vote: whether it was granted; undefined where there was no answer. */
  async granted(): Promise<boolean | undefined> {
    const frames = await this.agent.settled();
    if (!frames.some(({ type }) => type === 'BASTION_VOTE')) return undefined;
    const { message } = await this.agent.next('BASTION_VOTE');
    return message.kind === 'answer' ? message.granted : undefined;
  }
}
