/** Bytes and rates for people. The dashboard has it from the same place. */
export * from '../../text/size.ts';
