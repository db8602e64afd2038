/** A master key that does not lie in the state directory, and restores: the real engine starts anew with what it was given. */
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Place } from '../lab/processes.ts';
import { SmallDisk } from '../lab/tmpfs.ts';
import { requires } from '../require.ts';

const passphrase = 'correct horse battery staple';

describe('a master key on a file system of its own', requires('root', 'tmpfs'), () => {
  let place: Place;
  let donor: Place;
  let disk: SmallDisk;
  beforeEach(() => {
    place = new Place();
    donor = new Place();
    disk = new SmallDisk(place.path('keys'), '1m');
  });
  afterEach(async () => {
    await place.end();
    disk.unmount();
    await place.dispose();
    await donor.dispose();
  });

  test('is replaced there by that of the backup, and kept aside with the rest of the former state', async () => {
    await donor.startEngine();
    const { id } = await donor.code();
    const backup = await buffer(await donor.client.download('backup.create', { passphrase }));

    const key = place.path('keys', 'master.key');
    const engine = await place.startEngine([], { BOREALIS_MASTER_KEY_FILE: key });
    const former = readFileSync(key);
    const { previous_state } = await place.client.upload(
      'backup.restore',
      { passphrase },
      Readable.from([backup]),
    );
    await engine.until(() => engine.stderr.split('"msg":"ready"').length === 3, 'ready again');
    expect(readFileSync(key)).toEqual(readFileSync(donor.path('engine', 'master.key')));
    expect(readFileSync(`${previous_state}/master.key`)).toEqual(former);
    expect((await place.client.call('code.list', {})).map((code) => code.id)).toEqual([id]);
    expect((await engine.kill('SIGTERM')).code).toBe(0);
  });
});
