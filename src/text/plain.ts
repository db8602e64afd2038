/** Text that others wrote, made fit for a terminal: a device chooses its own host name, and a program its output. */

const ASCII = /^[\x20-\x7e]*$/;
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** On one line, nothing in it that a terminal would obey. */
export const plain = (text: string): string =>
  ASCII.test(text) ? text : text.replaceAll(CONTROL, (found) => (/[\t\n\r]/.test(found) ? ' ' : '\ufffd'));

/** The same for text of several lines. */
export const plainLines = (text: string): string => text.split(/\r?\n/).map(plain).join('\n');

/** JSON leaves these as they are; terminals obey some (C1 controls) and are fooled by others (bidirectional marks). */
const UNESCAPED = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** JSON of the same meaning that a terminal can be shown. */
export const plainJson = (json: string): string =>
  /^[\n\x20-\x7e]*$/.test(json)
    ? json
    : json.replaceAll(UNESCAPED, (found) =>
        found
          .split('')
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
          .join(''),
      );
