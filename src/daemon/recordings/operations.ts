/** Recorded sessions: list, show, read, search. Who looked at one is itself on record. */
import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { BorealisError } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Handlers } from '../capability.ts';
import { resolveDevice } from '../devices/resolve.ts';
import { castOf, findShown, verifyRecording } from './read.ts';
import type { Recordings } from './recordings.ts';
import { asRecording, findRecording, type LiveRecording, listRecordings, type ShellRow } from './rows.ts';

export interface SessionParts {
  readonly store: Store;
  readonly recordings: Recordings;
  readonly log: Logger;
  /** Of a shell that is being recorded now. */
  readonly live: (id: string) => LiveRecording | undefined;
  /** Resolves when all that was shown is in the file. */
  readonly flush: (id: string) => Promise<void>;
}

type Names = 'session.list' | 'session.show' | 'session.read' | 'session.search';
/** Recordings looked up at once. */
const PAGE = 100;
/** Damaged ones that an error names. */
const NAMED = 5;

export const sessionOperations = ({
  store,
  recordings,
  log,
  live,
  flush,
}: SessionParts): Handlers<Names> => ({
  'session.list': async ({ device, limit }) => {
    const guid = device === undefined ? undefined : (await resolveDevice(store.read, device)).guid;
    const rows = await listRecordings(store.read, { guid, limit });
    return rows.map((row) => asRecording(row, live(row.id)));
  },

  'session.show': async ({ session }) => {
    const row = await findRecording(store.read, session);
    return asRecording(row, live(row.id));
  },

  'session.read': async ({ session }, call) => {
    const { id } = await findRecording(store.read, session);
    await flush(id);
    // Read anew: the shell may have ended meanwhile.
    const row = await findRecording(store.read, id);
    await verifyRecording(recordings, row);
    await store.write((tx) => call.audit(tx, { target: id, detail: { device: row.name ?? row.device } }));
    return Readable.from(castOf(recordings, row));
  },

  'session.search': async function* ({ text, device }, call) {
    const guid = device === undefined ? undefined : (await resolveDevice(store.read, device)).guid;
    // The text itself may be the secret that is looked for.
    await store.write((tx) => call.audit(tx, { target: guid ?? 'all sessions', detail: {} }));
    let before: ShellRow | undefined;
    const damaged: string[] = [];
    do {
      const rows: ShellRow[] = await listRecordings(store.read, { guid, limit: PAGE, before });
      for (const row of rows) {
        if (call.signal.aborted) return;
        await flush(row.id);
        try {
          for await (const found of findShown(recordings, row, text, call.signal))
            yield { recording: asRecording(row, live(row.id)), ...found };
        } catch (error) {
          // One that is damaged or was just removed must not hide what is in the others; it is told last.
          if (!(error instanceof BorealisError)) throw error;
          log.warn({ session: row.id, result: error.code }, error.message);
          if (error.code === 'RECORDING_DAMAGED') damaged.push(row.id);
        }
      }
      before = rows.length === PAGE ? rows.at(-1) : undefined;
    } while (before);
    if (damaged.length === 0) return;
    const named = damaged.slice(0, NAMED).join(', ');
    throw new BorealisError('RECORDING_DAMAGED', {
      detail: `Not searched to the end: ${named}${damaged.length > NAMED ? ' and others' : ''}.`,
    });
  },
});
