/** The OpenAPI 3.1 document of the local API, derived from the operations. */
import { z } from 'zod';
import { ERRORS } from './errors.ts';
import { type Operation, pathFields } from './operation.ts';
import { operations } from './operations.ts';
import { streamFailure } from './stream.ts';

type Json = Record<string, unknown>;

/** What a caller writes (`input`), or what it gets (`output`). */
const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return json;
};

const isInQuery = (operation: Operation): boolean =>
  operation.method === 'GET' || operation.method === 'DELETE' || operation.transport === 'upload';

const parametersOf = (operation: Operation): Json[] => {
  const { properties = {}, required = [] } = schemaOf(operation.input, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  const path = pathFields(operation.path);
  const parameters: Json[] = path.map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: properties[name],
  }));
  if (!isInQuery(operation)) return parameters;
  for (const [name, schema] of Object.entries(properties)) {
    if (path.includes(name)) continue;
    // Secrets travel in a header, never in a query.
    const secret = name === 'passphrase';
    parameters.push({
      name: secret ? 'borealis-passphrase' : name,
      in: secret ? 'header' : 'query',
      required: required.includes(name) && !('default' in schema),
      schema,
    });
  }
  return parameters;
};

const bodyOf = (operation: Operation): Json | undefined => {
  if (operation.transport === 'upload')
    return { required: true, content: { 'application/octet-stream': {} } };
  if (isInQuery(operation)) return undefined;
  const schema = schemaOf(operation.input, 'input') as { properties?: Json; required?: string[] };
  const path = pathFields(operation.path);
  const properties = Object.entries(schema.properties ?? {}).filter(([name]) => !path.includes(name));
  if (properties.length === 0) return undefined;
  const required = (schema.required ?? []).filter((name) => !path.includes(name));
  const { required: _, ...rest } = schema;
  const body = {
    ...rest,
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
  };
  return { required: required.length > 0, content: { 'application/json': { schema: body } } };
};

const answerOf = (operation: Operation): Json => {
  if (operation.transport === 'binary') {
    return {
      '200': { description: 'The bytes.', content: { [operation.media ?? 'application/octet-stream']: {} } },
    };
  }
  const schema = schemaOf(operation.output, 'output');
  if (operation.transport !== 'stream' && operation.transport !== 'terminal') {
    return { '200': { description: 'Done.', content: { 'application/json': { schema } } } };
  }
  const answer = {
    description: 'A WebSocket. Each message is one document of this schema; the last may be a failure.',
    content: {
      'application/json': { schema: { anyOf: [schema, schemaOf(streamFailure, 'output')] } },
    },
  };
  if (operation.transport === 'stream') return { '101': answer };
  return {
    '101': {
      ...answer,
      description:
        'A WebSocket both ways. Binary messages are the bytes of a terminal; each text message is one document of this ' +
        'schema, the last may be a failure. The caller’s text messages are documents of `x-request`.',
      'x-request': operation.request ? schemaOf(operation.request, 'input') : {},
    },
  };
};

const problem: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'next'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(ERRORS) },
    next: { type: 'string', description: 'What to do about it.' },
  },
};

export const openapi = (): Json => {
  const paths: Record<string, Json> = {};
  for (const [name, operation] of Object.entries(operations) as [string, Operation][]) {
    const body = bodyOf(operation);
    paths[operation.path] ??= {};
    paths[operation.path]![operation.method.toLowerCase()] = {
      operationId: name,
      tags: [name.split('.', 1)[0]],
      summary: operation.summary,
      'x-role': operation.role,
      'x-transport': operation.transport,
      'x-audited': operation.changes,
      parameters: parametersOf(operation),
      ...(body && { requestBody: body }),
      responses: { ...answerOf(operation), default: { $ref: '#/components/responses/problem' } },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Borealis local API',
      version: '1',
      description:
        'Spoken over the engine’s Unix socket. The caller is whom the kernel names at the other end; its role decides.',
    },
    servers: [{ url: 'http://borealis/api/v1', description: 'over the Unix socket' }],
    paths,
    components: {
      schemas: { problem },
      responses: {
        problem: {
          description: 'Refused or failed (RFC 9457).',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/problem' } } },
        },
      },
    },
  };
};
