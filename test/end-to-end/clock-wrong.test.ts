/**
 * A machine whose clock is wrong when it starts, as one without a battery does until it has heard a time server. Nobody is
 * let in meanwhile; and who was refused for that comes back by itself, within seconds of the clock being set right, not
 * as late as who was refused for good.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Place } from '../lab/processes.ts';
import { WallClock } from '../lab/wall-clock.ts';
import { requires } from '../require.ts';

const HOUR = 3_600;
/** Certificates begin a day before they are issued. */
const TWO_DAYS = 48 * HOUR;
let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.dispose());

test.each([
  // The certificate of the engine is not valid yet, by the device.
  ['device', -TWO_DAYS, 'CLOCK_SKEW'],
  ['device', -HOUR, 'PROOF_INVALID'],
  ['device', HOUR, 'PROOF_INVALID'],
  // The certificate of the device is not valid yet, by the engine.
  ['engine', -TWO_DAYS, 'CLOCK_SKEW'],
  ['engine', -HOUR, 'PROOF_INVALID'],
  ['engine', HOUR, 'PROOF_INVALID'],
] as const)(
  'the clock of the %s is %i s off: %s until it is right',
  {
    ...requires('clocks that jump'),
  },
  async (who, seconds, code) => {
    const clocks = {
      device: new WallClock(place.path('device.clock')),
      engine: new WallClock(place.path('engine.clock')),
    };
    await place.startEngine([], clocks.engine.env);
    await place.enrolAgent('device', clocks.device.env);
    clocks[who].jump(seconds);
    const agent = place.agent('device', ['run'], clocks.device.env);
    await agent.until(() => agent.stderr.includes(code), `refused: ${code}`);
    expect(agent.stderr).not.toContain('"msg":"connected"');
    const waits = [...agent.stderr.matchAll(/"retry_in_ms":(\d+)/g)].map(([, ms]) => Number(ms));
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    clocks[who].jump(0);
    await agent.until(() => agent.stderr.includes('"msg":"connected"'), 'connected');
  },
);
