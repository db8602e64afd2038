/** YAML 1.2 of a JSON value: every string that could be read as something else is quoted as JSON is, which YAML reads. */

const PLAIN = /^[A-Za-z_/][\w ./@+-]*$/;
const SPECIAL = /^(y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

/** Ends with a line feed. */
export const yaml = (value: unknown): string => `${lines(value).join('\n')}\n`;

const lines = (value: unknown): string[] => {
  if (Array.isArray(value)) {
    if (value.length === 0) return ['[]'];
    return value.flatMap((item) => lines(item).map((line, index) => `${index === 0 ? '- ' : '  '}${line}`));
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    if (entries.length === 0) return ['{}'];
    return entries.flatMap(([key, item]) => {
      const name = `${scalar(key)}:`;
      if (isEmptyOrScalar(item)) return [`${name} ${lines(item)[0]}`];
      return [name, ...lines(item).map((line) => `  ${line}`)];
    });
  }
  return [scalar(value)];
};

const isEmptyOrScalar = (value: unknown): boolean =>
  typeof value !== 'object' || value === null || Object.keys(value).length === 0;

const scalar = (value: unknown): string => {
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'null';
  const safe = PLAIN.test(value) && !SPECIAL.test(value) && !value.endsWith(' ');
  return safe ? value : JSON.stringify(value);
};
