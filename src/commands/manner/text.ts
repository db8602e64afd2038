/** How wide text is, shortened, filled up, free of control characters. The dashboard has it from the same place. */
export { plain, plainLines } from '../../text/plain.ts';
export * from '../../text/width.ts';
