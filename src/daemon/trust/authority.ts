/** The engine's CA: made on the very first start, kept sealed, and pinned by every agent. */
import { type Authority, createAuthority, loadAuthority } from '../../crypto/ca.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { keyPairPems } from './pems.ts';

const SECRET = 'authority';

/** Errors: KEYS_UNOPENED where the sealed CA does not open: a new one would lock every agent out, so none is made. */
export const openAuthority = async (keys: KeyRing, store: Store, clock: Clock): Promise<Authority> => {
  const sealed = await keys.get(SECRET);
  if (sealed) return loadAuthority(keyPairPems.parse(JSON.parse(sealed.toString('utf8'))));
  const made = await createAuthority({ now: new Date(clock.now()), commonName: 'Borealis engine authority' });
  const authority = await loadAuthority(made);
  await store.write((tx) => keys.put(tx, SECRET, Buffer.from(JSON.stringify(made), 'utf8')));
  return authority;
};
