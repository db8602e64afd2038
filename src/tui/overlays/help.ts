/** The keys that work here, from the same table as the footer, the palette and docs/keys.md. */
import { wrap } from '../../text/width.ts';
import type { App } from '../app/app.ts';
import { BOLD, style } from '../grid/style.ts';
import { type Binding, type Bindings, keyName } from '../keys/binding.ts';
import { globalKeys, listKeys } from '../keys/global.ts';
import { type TextLine, TextPane } from './text.ts';

const KEYS = 22;
/** Of the pane: its frame, and a blank on either side. */
const FRAME = 4;

type Entry = Pick<Binding, 'keys' | 'title'>;
const SCREENS: Entry = { keys: ['1', '2', '3', '…'], title: 'The screens, by their numbers' };

/** What a key does stands beside it, on as many lines as it takes. */
const entry = ({ keys, title }: Entry, columns: number): TextLine[] =>
  wrap(title, columns - KEYS).map((part, index) => [
    {
      text: (index === 0 ? `  ${keys.map(keyName).join(' ')}` : '').padEnd(KEYS),
      style: style('text', 'page', BOLD),
    },
    { text: part, style: style('muted') },
  ]);

const section = (title: string, bindings: Bindings, columns: number): TextLine[] => [
  [{ text: title, style: style('accent', 'page', BOLD) }],
  ...Object.values(bindings).flatMap((binding) => entry(binding, columns)),
  '',
];

/** Of these bindings what is left where the keys of others come first. */
const besides = (bindings: Bindings, ...others: readonly Bindings[]): Bindings => {
  const taken = new Set(others.flatMap((other) => Object.values(other).flatMap(({ keys }) => [...keys])));
  const left = Object.entries(bindings).map(
    ([action, binding]) =>
      [action, { ...binding, keys: binding.keys.filter((key) => !taken.has(key)) }] as const,
  );
  return Object.fromEntries(left.filter(([, { keys }]) => keys.length > 0));
};

export const help = (app: App): void => {
  const { view } = app;
  const { filter, ...listless } = globalKeys;
  const general = view.list ? globalKeys : listless;
  const lines = (): TextLine[] => {
    const columns = Math.min(app.host.columns, 90) - FRAME;
    return [
      ...section(`On this screen: ${view.title}`, view.bindings, columns),
      ...(view.list ? section('In lists', besides(listKeys, view.bindings), columns) : []),
      ...section('Everywhere', besides(general, view.bindings, ...(view.list ? [listKeys] : [])), columns),
      ...entry(SCREENS, columns),
    ];
  };
  app.open(new TextPane(app, 'Keys', lines, { wide: false }));
};
