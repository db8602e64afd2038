/** Text that others wrote, made fit for a terminal. The dashboard has it from the same place. */
export * from '../../text/plain.ts';
