import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ERRORS } from '../../src/protocol/errors.ts';
import { openapi } from '../../src/protocol/openapi.ts';
import { type Operation, pathFields } from '../../src/protocol/operation.ts';
import { operations } from '../../src/protocol/operations.ts';

interface Parameter {
  name: string;
  in: string;
  required: boolean;
  schema: object;
}
interface Described {
  operationId: string;
  summary: string;
  'x-role': string;
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, { schema: { properties: object } }> };
  responses: Record<string, object>;
}
const document = openapi() as unknown as {
  openapi: string;
  paths: Record<string, Record<string, Described>>;
  components: { schemas: { problem: { properties: { code: { enum: string[] } } } } };
};
const described = (name: string): Described => {
  const found = Object.values(document.paths)
    .flatMap((path) => Object.values(path))
    .find(({ operationId }) => operationId === name);
  if (!found) throw new Error(`${name} is not described`);
  return found;
};

test('docs/openapi.json is what the operations say (node scripts/generate.ts writes it)', () => {
  const file = readFileSync(join(import.meta.dirname, '../../docs/openapi.json'), 'utf8');
  expect(JSON.parse(file)).toEqual(JSON.parse(JSON.stringify(document)));
});

test.each(Object.entries(operations) as [string, Operation][])('%s is described whole', (name, operation) => {
  const { parameters, requestBody, responses, summary, ...rest } = described(name);
  expect(summary).toBe(operation.summary);
  expect(rest['x-role']).toBe(operation.role);
  const path = parameters.filter((parameter) => parameter.in === 'path');
  expect(path.map((parameter) => parameter.name)).toEqual(pathFields(operation.path));
  for (const parameter of parameters) expect(parameter.schema, parameter.name).toBeTypeOf('object');
  expect(Object.keys(responses)).toContain('default');
  // Each field of the input has one place.
  const fields = Object.keys((operation.input as unknown as { shape: object }).shape);
  const inBody = Object.keys(requestBody?.content['application/json']?.schema.properties ?? {});
  const placed = [...parameters.map((parameter) => parameter.name.replace('borealis-', '')), ...inBody];
  expect(placed.toSorted()).toEqual(fields.toSorted());
});

test('secrets are never in a query', () => {
  const queries = Object.values(document.paths)
    .flatMap((path) => Object.values(path))
    .flatMap(({ parameters }) => parameters.filter((parameter) => parameter.in === 'query'));
  expect(queries.map(({ name }) => name)).not.toContain('passphrase');
  expect(described('backup.verify').parameters).toContainEqual(
    expect.objectContaining({ name: 'borealis-passphrase', in: 'header', required: true }),
  );
});

test('what has a default may be left out', () => {
  const limit = described('audit.list').parameters.find(({ name }) => name === 'limit');
  expect(limit).toMatchObject({ required: false, schema: { default: 1_000 } });
});

test('every error code is named', () => {
  expect(document.components.schemas.problem.properties.code.enum).toEqual(Object.keys(ERRORS));
});
