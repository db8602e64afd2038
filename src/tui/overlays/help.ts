/** The keys that work here, from the same table as the footer, the palette and docs/keys.md. */
import type { App } from '../app/app.ts';
import { BOLD, style } from '../grid/style.ts';
import { type Bindings, keyName } from '../keys/binding.ts';
import { globalKeys, listKeys } from '../keys/global.ts';
import { type TextLine, TextPane } from './text.ts';

const section = (title: string, bindings: Bindings): TextLine[] => [
  [{ text: title, style: style('accent', 'page', BOLD) }],
  ...Object.values(bindings).map(({ keys, title: what }) => [
    { text: `  ${keys.map(keyName).join(' ')}`.padEnd(26), style: style('text', 'page', BOLD) },
    { text: what, style: style('muted') },
  ]),
  '',
];

export const help = (app: App): void => {
  const { view } = app;
  const lines: TextLine[] = [
    ...section(`On this screen: ${view.title}`, view.bindings),
    ...(view.list ? section('In lists', listKeys) : []),
    ...section('Everywhere', globalKeys),
    [
      { text: '  1 2 3 …'.padEnd(26), style: style('text', 'page', BOLD) },
      { text: 'The screens, by their numbers', style: style('muted') },
    ],
  ];
  app.open(new TextPane(app, 'Keys', () => lines, { wide: false }));
};
