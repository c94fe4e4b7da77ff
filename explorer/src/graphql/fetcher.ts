import type { Fetcher, FetcherParams } from '@graphiql/toolkit';
import { getOperationAST, parse } from 'graphql';

import { call, json } from '../service';
import { authorization } from '../token';
import { type Operation, follow } from './live';

/** Runs what the editor has: subscriptions over a socket, everything else by POST. */
export const fetcher: Fetcher = (params, options) => {
  const headers = (options?.headers ?? {}) as Record<string, string>;
  return isSubscription(params) ? observe(params, headers) : post(params, headers);
};

/** Asks what is sent: the document that the editor hands over is what it looked at last, up to half a second ago. */
function isSubscription({ query, operationName }: FetcherParams): boolean {
  try {
    return getOperationAST(parse(query), operationName)?.operation === 'subscription';
  } catch {
    return false; // The service says where the fault is.
  }
}

async function post(params: FetcherParams, headers: Record<string, string>) {
  const own = { accept: 'application/graphql-response+json, application/json;q=0.9', 'content-type': 'application/json' };
  try {
    const body = JSON.stringify(params);
    const answer = await call('/graphql', { method: 'POST', headers: { ...own, ...authorization(), ...headers }, body });
    return (await json(answer)) as object;
  } catch (error) {
    return told((error as Error).message);
  }
}

function observe(params: FetcherParams, headers: Record<string, string>): ReturnType<Fetcher> {
  const observable = {
    subscribe({ next, complete }: { next(value: object): void; complete(): void }) {
      const stop = follow(params as Operation, headers, {
        next: (answer) => next(answer as object),
        done(why) {
          if (why) next(told(why));
          complete();
        },
      });
      return { unsubscribe: stop };
    },
  };
  // The type has overloads that the editor does not use.
  return observable as unknown as ReturnType<Fetcher>;
}

/** A sentence as the answer of an operation. */
function told(message: string) {
  return { errors: [{ message }] };
}
