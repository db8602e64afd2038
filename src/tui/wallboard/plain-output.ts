/** Standard output, changed on its way; and without colours: the charts know of no NO_COLOR. Bold and reverse stay. */

/** Parameters of SGR (ECMA-48 §8.3.117) that choose a colour; 38 and 48 take two or four more. */
const COLOUR = /^(3[0-79]|4[0-79]|9[0-7]|10[0-7])$/;

export const withoutColour = (text: string): string =>
  text.replaceAll(SGR, (_, parameters: string) => {
    const all = parameters.split(';');
    const kept: string[] = [];
    for (let at = 0; at < all.length; at++) {
      const parameter = all[at] ?? '';
      if (parameter === '38' || parameter === '48') at += all[at + 1] === '2' ? 4 : 2;
      else if (!COLOUR.test(parameter)) kept.push(parameter);
    }
    return kept.length > 0 ? `\u001b[${kept.join(';')}m` : '';
  });

const SGR = new RegExp(`${'\u001b'}\\[([\\d;]*)m`, 'g');

/** The same stream, each text that is written turned into another. */
export const filtered = (stdout: NodeJS.WriteStream, turn: (text: string) => string): NodeJS.WriteStream =>
  new Proxy(stdout, {
    get(target, key) {
      if (key === 'write') return (text: string | Uint8Array) => target.write(turn(String(text)));
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
