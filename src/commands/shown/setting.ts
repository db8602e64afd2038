/** Settings of the engine, as people see them. */
import type { Setting } from '../../protocol/engine.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { ListView } from '../manner/command.ts';
import { nearest } from '../manner/nearest.ts';
import type { Output } from '../manner/output.ts';
import type { Column } from '../manner/table.ts';

/** Text as it is; everything else as JSON. */
export const settingText = (value: Setting['value']): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

/** Below this there is no room for what they mean. */
const ROOM = 100;

/** Said where it is left out; undefined where it is there. */
export const leftOut = ({ terminal }: Output): string | undefined =>
  terminal.width < ROOM
    ? `What they mean: borealisctl config show --output yaml, or ${ROOM} columns.`
    : undefined;

export const settingList = ({ terminal }: Output): ListView<Setting> => ({
  columns: [
    { title: 'KEY', value: ({ key }) => key },
    { title: 'VALUE', value: ({ value }) => settingText(value), gives: true },
    {
      title: 'FROM',
      value: ({ source }) => source,
      colour: ({ source }) => (source === 'default' ? 'dim' : undefined),
    },
    ...(terminal.width < ROOM ? [] : [MEANING]),
  ],
  name: ({ key }) => key,
  empty: 'There are no settings.',
});

const MEANING: Column<Setting> = {
  title: 'MEANING',
  value: ({ summary, restart }) => (restart ? `${summary} Takes a restart.` : summary),
  gives: true,
};

/** Errors: SETTING_UNKNOWN with the nearest key. */
export const findSetting = (settings: readonly Setting[], key: string): Setting => {
  const found = settings.find((setting) => setting.key === key.replaceAll('-', '_'));
  if (found) return found;
  const near = nearest(
    key,
    settings.map((setting) => setting.key),
  );
  throw new BorealisError('SETTING_UNKNOWN', {
    detail: `“${key}” is none.`,
    ...(near.length > 0 && { next: `Did you mean ${near.join(' or ')}?` }),
  });
};
