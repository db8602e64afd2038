/** The same done to one or many devices: which ones, and what came of each. */
import type { Client } from '../../client/client.ts';
import type { Device } from '../../protocol/device.ts';
import { BorealisError, EXIT } from '../../protocol/errors.ts';
import { readSelection, readTags } from './flags.ts';
import { type Failure, failureOf, type Output } from './output.ts';
import { Progress } from './progress.ts';
import { plural } from './size.ts';
import { plain } from './text.ts';

export interface Chosen {
  readonly devices: readonly Device[];
  /** One device, named on the command line: its own document answers, rather than a list. */
  readonly single: boolean;
}

interface Given {
  readonly tag?: readonly string[] | undefined;
  readonly site?: string | undefined;
  readonly all?: boolean;
}

/**
 * Those named, and of those that match all of tags and site (or of all) the ones that `able` admits: each once.
 * Errors: NO_TARGETS, NO_DEVICE_MATCHES, DEVICE_NOT_FOUND, DEVICE_AMBIGUOUS.
 */
export const chooseDevices = async (
  client: Client,
  names: readonly string[],
  given: Given,
  able: (device: Device) => boolean,
): Promise<Chosen> => {
  readSelection(names, given);
  const found = new Map<string, Device>();
  for (const name of names) {
    const device = await client.call('device.show', { device: name });
    found.set(device.guid, device);
  }
  const { tag, site, all } = given;
  const filter = {
    ...(tag && { tag: Object.entries(readTags(tag)).map(([key, value]) => `${key}=${value}`) }),
    ...(site !== undefined && { site }),
  };
  const described = all || Object.keys(filter).length > 0;
  if (described)
    for (const device of await client.all('device.list', filter))
      if (able(device)) found.set(device.guid, device);
  if (found.size === 0)
    throw new BorealisError('NO_DEVICE_MATCHES', { detail: 'None, that is, to which this can be done.' });
  return { devices: [...found.values()], single: !described && names.length === 1 };
};

/** `web-1`, `web-1 and db-1`, `web-1, db-1, mail and 12 more`. */
export const namesOf = (devices: readonly Pick<Device, 'name'>[], most = 5): string => {
  const names = devices.slice(0, most).map(({ name }) => plain(name));
  if (devices.length > most) names.push(`${devices.length - most} more`);
  const last = names.pop() ?? '';
  return names.length === 0 ? last : `${names.join(', ')} and ${last}`;
};

/** For questions: `db-1`, `these 3 devices: …`. */
export const theDevices = (devices: readonly Pick<Device, 'name'>[]): string =>
  devices.length === 1 ? namesOf(devices) : `these ${plural(devices.length, 'device')} (${namesOf(devices)})`;

interface Outcome {
  readonly device: string;
  readonly guid: string;
  readonly error: Pick<Failure, 'code' | 'message' | 'next'> | null;
}

/**
 * With --json the document of the one device, or a list with the outcome of each. Ends with 8 where some failed.
 * Errors: of a single device, that of `act`.
 */
export const doToEach = async (
  out: Output,
  { devices, single }: Chosen,
  act: (device: Device) => Promise<unknown>,
  sentence: (device: Device) => string,
): Promise<void> => {
  const [only] = devices;
  if (single && only) return out.done(await act(only), sentence(only));
  const outcomes: Outcome[] = [];
  const progress = new Progress(out);
  let exit = 0;
  for (const device of devices) {
    const { name, guid } = device;
    progress.show(() => `${outcomes.length} of ${devices.length} devices`);
    try {
      await act(device);
      outcomes.push({ device: name, guid, error: null });
      if (!out.json && !out.quiet) {
        progress.clear();
        out.line(sentence(device));
      }
    } catch (thrown) {
      const failure = await failureOf(thrown);
      // Without an engine, or without the right, the others will not fare better.
      if (failure.exit === EXIT.unreachable || failure.exit === EXIT.notPermitted) throw thrown;
      const { code, message, next } = failure;
      exit = failure.exit;
      outcomes.push({ device: name, guid, error: { code, message, next } });
      progress.clear();
      if (!out.json) out.fail({ ...failure, message: `${plain(name)}: ${message}` });
    }
  }
  progress.clear();
  const failed = outcomes.filter(({ error }) => error !== null).length;
  if (out.json) out.document(outcomes);
  if (failed > 0) process.exitCode = failed < outcomes.length ? EXIT.partial : exit;
};
