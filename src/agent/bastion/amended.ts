/** What is kept of a service, and what it is after a change of a few of its clients. Pure. */
import {
  amendedDigest,
  canonicalText,
  digestText,
  type ServiceDigest,
  serviceDigest,
} from '../../crypto/service-digest.ts';
import type { HostedChange, HostedService } from '../../protocol/bastion.ts';
import type { WantedPeer } from '../../wg/types.ts';

export interface Kept {
  readonly service: HostedService;
  readonly revision: number;
  /** Of `service`. */
  readonly digest: ServiceDigest;
}

export const keptOf = (service: HostedService, revision: number): Kept => ({
  service,
  revision,
  digest: serviceDigest(service),
});

/** Null where the change is of something else than what is kept, or leads elsewhere than it says. */
export const amended = (kept: Kept, change: HostedChange): Kept | null => {
  const { from, to, gone, come } = change;
  if (kept.revision !== from.revision || digestText(kept.digest) !== from.digest) return null;
  const digest = amendedDigest(kept.digest, change);
  if (to.revision <= from.revision || digestText(digest) !== to.digest) return null;
  const { network, ...rest } = kept.service;
  const [of] = network.interfaces;
  const { peers: before, ...link } = of as typeof of & { readonly peers?: readonly WantedPeer[] };
  const { firewall } = network;
  const peers = exchanged(
    before,
    gone.map(({ peer }) => peer),
    come.map(({ peer }) => peer),
    keyOf,
  );
  const entries = (label: 'open' | 'restricted') =>
    exchanged(
      firewall[label] as readonly unknown[] | undefined,
      gone.flatMap((client): readonly unknown[] => client[label]),
      come.flatMap((client): readonly unknown[] => client[label]),
      label === 'open' ? String : sourceOf,
    );
  const [open, restricted] = [entries('open'), entries('restricted')];
  if (!peers || !open || !restricted) return null;
  const service = {
    ...rest,
    network: { interfaces: [{ ...link, peers }], firewall: { ...firewall, open, restricted } },
  } as HostedService;
  return { service, revision: to.revision, digest };
};

const keyOf = (peer: { readonly publicKey: string }): string => peer.publicKey;
/** No source is given twice (wg/types.ts). */
const sourceOf = (entry: unknown): string =>
  String((entry as { readonly sources?: readonly unknown[] }).sources?.[0]);

/** Null where what goes is not there just so, or what comes is there already. */
const exchanged = <T>(
  all: readonly T[] = [],
  gone: readonly T[],
  come: readonly T[],
  nameOf: (one: T) => string,
): T[] | null => {
  const going = new Map(gone.map((one) => [nameOf(one), canonicalText(one)]));
  const coming = new Set(come.map(nameOf));
  if (going.size !== gone.length || coming.size !== come.length) return null;
  const left: T[] = [];
  for (const one of all) {
    const name = nameOf(one);
    const expected = going.get(name);
    if (expected === undefined) {
      if (coming.has(name)) return null;
      left.push(one);
    } else if (canonicalText(one) !== expected) return null;
    else going.delete(name);
  }
  return going.size > 0 ? null : [...left, ...come];
};
