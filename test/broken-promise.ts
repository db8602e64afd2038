export const BROKEN_PROMISE = 'BrokenPromise';

/** What may never happen was seen to happen: that it does not at a second look is no comfort. */
export class BrokenPromise extends Error {
  override name = BROKEN_PROMISE;
}
