/** How long the ways of a tunnel are waited for, in milliseconds. */
export interface TransportTimes {
  /** Between two looks at WireGuard. A look counts for two at most: while this process stands still, nobody is silent. */
  readonly look: number;
  /** Without a word, before a relay is opened to be at hand, and before it is used. */
  readonly doubt: number;
  readonly silent: number;
  /** The same before the first handshake. */
  readonly firstDoubt: number;
  readonly firstSilent: number;
  /** That a probe has for its answer before a relay that is open is used. */
  readonly answer: number;
  /** For how long an answer to a probe stands for a WireGuard that has nothing to say. */
  readonly trusted: number;
  /** Without a word through the relay, before another one is opened. */
  readonly relaySilent: number;
  /** For packets under way through the relay, when UDP works again. */
  readonly drain: number;
  /** Between probes of UDP: the first ones, and what they grow to. */
  readonly probe: number;
  readonly probeMax: number;
}

export const TIMES: TransportTimes = {
  look: 250,
  doubt: 1_250,
  silent: 2_000,
  firstDoubt: 750,
  firstSilent: 1_500,
  answer: 400,
  trusted: 12_000,
  relaySilent: 10_000,
  drain: 200,
  probe: 5_000,
  probeMax: 20_000,
};
