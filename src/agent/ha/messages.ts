/** What the two nodes of a pair say to each other, sealed (ha/platform.ts, Datagrams). Whatever else comes is dropped. */
import { z } from 'zod';
import { candidate, socketAddress, switchReason, voteMessage } from '../../protocol/bastion.ts';
import { wireguardKey } from '../../protocol/tunnel-session.ts';

/** Entries in one datagram: each is at most 120 bytes of JSON. */
export const ENTRIES_MAX = 8;

const vote = z.strictObject({ t: z.literal('vote'), from: candidate, message: voteMessage });

/** Sent each renewal by both, and at once when it changes. */
const presence = z.strictObject({
  t: z.literal('here'),
  from: candidate,
  /** Of the service's state that is in force there. */
  revision: z.number().int().min(0),
  role: z.enum(['holder', 'standby', 'leaving']),
  /** Why it leaves. */
  reason: switchReason.nullable(),
  /** How often that process had the address. */
  tenure: z.number().int().min(0),
  /** May take the address when it is given to it. */
  ready: z.boolean(),
  /** Of its interface: an answer for the floating address from there is no stranger's. */
  hardware: z.string().max(32),
  /** Milliseconds of its wall clock. */
  now: z.number().int().min(0),
});
export type Presence = z.infer<typeof presence>;

/** The holder tells where its clients are. `base`: what must be known already; `upto`: what is known with these. */
const endpoints = z.strictObject({
  t: z.literal('peers'),
  from: candidate,
  base: z.number().int().min(0),
  upto: z.number().int().min(0),
  /** A null endpoint: it is gone. */
  entries: z.array(z.tuple([wireguardKey, socketAddress.nullable()])).max(ENTRIES_MAX),
});
export type EndpointsMessage = z.infer<typeof endpoints>;
/** The standby has what that process of the holder told, up to there. */
const have = z.strictObject({
  t: z.literal('have'),
  of: candidate,
  upto: z.number().int().min(0),
});

export const pairMessage = z.discriminatedUnion('t', [vote, presence, endpoints, have]);
export type PairMessage = z.infer<typeof pairMessage>;
