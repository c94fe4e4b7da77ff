import { call, json } from '../service';
import { authorization } from '../token';
import { type Filled, headers, target } from './filled';

/** An operation that runs for a call. */
export interface Operation {
  name: string;
  document: string;
  variables: Record<string, unknown>;
  /** As GraphQL writes it, once it ran. */
  answer: unknown;
}

/** What REST answered. */
export interface Answer {
  status: number;
  headers: [string, string][];
  body: string;
}

export interface Explained {
  operations: Operation[];
  /** Nothing where the call was only looked at, and would be carried out. */
  answer: Answer | null;
}

/** Asks the service which operations run for a call; `run` carries it out, once. */
export async function explain(filled: Filled, run: boolean, signal?: AbortSignal): Promise<Explained> {
  const { body, call: of } = filled;
  const described = { method: of.method, path: target(filled), headers: headers(filled), body: body.trim() || null, run };
  const answer = await call('/graphiql/calls', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(run ? authorization() : {}) },
    body: JSON.stringify(described),
    ...(signal ? { signal } : {}),
  });
  const explained = (await json(answer)) as Explained & { detail?: string };
  if (!answer.ok) throw new Error(explained.detail ?? `The service answered ${answer.status}.`);
  return explained;
}
