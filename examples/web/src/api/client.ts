import createClient from 'openapi-fetch';

import type { components, paths } from './schema';
import { sender } from './send';
import type { Tokens } from './tokens';

export type Task = components['schemas']['Task'];
export type Change = components['schemas']['Change'];
type Problem = components['schemas']['Error'] | components['schemas']['ValidationError'];

export const TASKGATE_URL: string = import.meta.env.VITE_TASKGATE_URL ?? 'http://localhost:8000';

export type Api = ReturnType<typeof createApi>;

/** The REST routes, typed by `schema.ts`, which `npm run api` makes from the service's OpenAPI document. */
export const createApi = (tokens: Tokens) => createClient<paths>({ baseUrl: TASKGATE_URL, fetch: sender(tokens) });

/** What the service refused: `message` is its sentence for people, `code` is stable. */
export class ApiError extends Error {
  readonly code: string;

  constructor({ detail, code }: Problem) {
    super(detail);
    this.code = code;
  }
}

/** What the service answered; throws what it refused. */
export async function answer<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<{ data: T; etag: string }> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ApiError(problem(error, response));
  return { data: data as T, etag: response.headers.get('ETag') ?? '' };
}

// What a proxy in between says is no error of the service's.
function problem(error: unknown, { status }: Response): Problem {
  const isOurs = typeof error === 'object' && error !== null && 'detail' in error;
  return isOurs ? (error as Problem) : { detail: `The server answered ${status}.`, code: 'UNAVAILABLE' };
}
