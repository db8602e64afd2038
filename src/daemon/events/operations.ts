import type { Handlers } from '../capability.ts';
import type { EventFeed } from './watch.ts';

export const eventOperations = ({ feed }: { feed: EventFeed }): Handlers<'event.watch'> => ({
  'event.watch': ({ after, type }, call) => feed.watch(after, type, call.signal),
});
