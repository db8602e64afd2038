/** Enrolment codes, as people see them. */
import type { Code, CreatedCode } from '../../protocol/code.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';
import { stateColour } from '../manner/paint.ts';
import { plural } from '../manner/size.ts';
import { facts } from '../manner/table.ts';
import { tagText } from './device.ts';

export const codeList = (out: Output): ListView<Code> => ({
  columns: [
    { title: 'ID', value: ({ id }) => id },
    { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => stateColour(state) },
    { title: 'USES LEFT', value: ({ uses_left, uses }) => `${uses_left} of ${uses}` },
    { title: 'EXPIRES', value: ({ expires_at }) => out.time(expires_at) },
    { title: 'APPROVAL', value: ({ auto_approve }) => (auto_approve ? 'automatic' : 'by hand'), spare: true },
    { title: 'SITE', value: ({ site }) => site, gives: true },
    { title: 'TAGS', value: ({ tags }) => tagText(tags), gives: true, spare: true },
    { title: 'MADE BY', value: ({ created_by }) => created_by, gives: true, spare: true },
  ],
  name: ({ id }) => id,
  empty: 'No enrolment code is good now. Make one with: borealisctl code create',
});

export const createdCode = (out: Output, code: CreatedCode): string[] =>
  facts(
    [
      ['Link', code.link, 'cyan'],
      ['Code', code.code],
      ['Pin', code.pin],
      ['Good for', plural(code.uses, 'agent')],
      ['Expires', out.moment(code.expires_at)],
      [
        'Approval',
        code.auto_approve ? 'automatic: whoever has the link is in' : 'by hand: borealisctl approval list',
      ],
      ['Site', code.site],
      ['Tags', tagText(code.tags)],
      ['Id', code.id],
    ],
    out.paint,
  );
