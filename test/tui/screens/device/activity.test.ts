/** What is shown of a device's past: what the engine kept together with what was heard, each once. */
import { expect, test } from 'vitest';
import type { Event } from '../../../../src/protocol/event.ts';
import type { App } from '../../../../src/tui/app/app.ts';
import { activityOf } from '../../../../src/tui/screens/device/activity.ts';

const GUID = '8b1cfd0b-9f33-4a2c-a5c2-1df3a0c0a001';
const event = (id: number, guid: string | null = GUID): Event => ({
  ...{ id, guid, at: '2026-03-01T12:00:00.000Z', type: 'device.online', device: 'north', data: {} },
  message: `number ${id}`,
});
const shown = (heard: Event[], earlier: Event[] | undefined, most: number): number[] => {
  const app = { store: { events: heard } } as unknown as Pick<App, 'store'>;
  const device = { guid: GUID, name: 'north' };
  return activityOf(app, device, { value: earlier, error: undefined }, most).map(({ id }) => id);
};

test('what was before stands below what was heard, and what is both stands once', () => {
  expect(shown([event(7), event(9)], [event(7), event(4), event(2)], 10)).toEqual([9, 7, 4, 2]);
  expect(shown([event(7), event(9)], [event(7), event(4), event(2)], 3)).toEqual([9, 7, 4]);
});

test('until the engine has answered there is what was heard', () => {
  expect(shown([event(7), event(9)], undefined, 10)).toEqual([9, 7]);
});

test('what happened to others is left out', () => {
  const other = { ...event(8, '8b1cfd0b-9f33-4a2c-a5c2-1df3a0c0a002'), device: 'south' };
  expect(shown([event(7), other, event(9)], [], 10)).toEqual([9, 7]);
});
