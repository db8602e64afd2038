// node --require quick-clock.cjs, with BENCH_CLOCK=6 in the environment: all clocks and timers of the program run so many
// times as fast as they should. What it does once in ten seconds it does six times, and an hour has passed in ten minutes.
const promises = require('node:timers/promises');

const factor = Number(process.env.BENCH_CLOCK ?? 1);
const { setTimeout: timeout, setInterval: interval, Date: RealDate } = globalThis;
const { setTimeout: slept } = promises;
const sinceStart = performance.now.bind(performance);
const begun = RealDate.now();

performance.now = () => sinceStart() * factor;
globalThis.setTimeout = (work, ms = 0, ...rest) => timeout(work, ms / factor, ...rest);
globalThis.setInterval = (work, ms = 0, ...rest) => interval(work, ms / factor, ...rest);
promises.setTimeout = (ms = 0, ...rest) => slept(ms / factor, ...rest);
globalThis.Date = class QuickDate extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [QuickDate.now()] : given));
  }
  static now() {
    return Math.round(begun + (RealDate.now() - begun) * factor);
  }
};
