import { call, json } from '../service';

/** A parameter of a call, as OpenAPI describes it. */
export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  description?: string;
  required?: boolean;
  schema: { type?: string; enum?: string[]; default?: unknown; examples?: unknown[] };
}

/** A call of REST. */
export interface RestCall {
  id: string;
  method: string;
  /** With `{name}` for what a path parameter is put in. */
  path: string;
  title: string;
  description: string;
  parameters: Parameter[];
  /** Bodies to start from, by what they do; none where the call takes no body. */
  bodies: [string, unknown][];
  isStream: boolean;
}

interface Described {
  operationId: string;
  summary: string;
  description?: string;
  parameters?: (Parameter | { $ref: string })[];
  requestBody?: { content: Record<string, { examples?: Record<string, { value: unknown }> }> };
  responses: Record<string, { content?: Record<string, unknown> }>;
}

interface OpenApi {
  paths: Record<string, Record<string, Described>>;
  components: { parameters: Record<string, Parameter> };
}

/** Every call that runs operations, as the service describes it. */
export async function load(): Promise<RestCall[]> {
  const document = (await json(await call('/graphiql/openapi.json'))) as OpenApi;
  return Object.entries(document.paths)
    .filter(([path]) => path.startsWith('/api/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => describe(document, method, path, operation)),
    );
}

function describe(document: OpenApi, method: string, path: string, operation: Described): RestCall {
  const parameters = (operation.parameters ?? [])
    .map((one) => ('$ref' in one ? document.components.parameters[one.$ref.split('/').pop() ?? ''] : one))
    .filter((one): one is Parameter => one !== undefined && one.name !== 'X-Request-Id');
  const examples = Object.values(operation.requestBody?.content ?? {})[0]?.examples ?? {};
  return {
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    title: operation.summary,
    description: operation.description ?? '',
    parameters,
    bodies: Object.entries(examples).map(([title, { value }]) => [title, value]),
    isStream: 'text/event-stream' in (operation.responses['200']?.content ?? {}),
  };
}
