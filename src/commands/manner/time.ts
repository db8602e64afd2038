/** Moments and spans, as people write and read them. The dashboard has it from the same place. */
export * from '../../text/time.ts';
