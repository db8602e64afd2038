/** Of the whole: engine, agent and CLI are released together. Held equal to package.json by a test. */
export const VERSION = '0.1.0';
