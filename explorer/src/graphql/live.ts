import { type Client, createClient } from 'graphql-ws';

import { lost } from '../service';
import { authorization } from '../token';

/** The service does not, or no longer, take the token of a socket. */
const FORBIDDEN = 4403;

export interface Operation {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown>;
}

export interface Sink {
  next(answer: unknown): void;
  /** It goes on no more; with a sentence where it was to. */
  done(why?: string): void;
}

/**
 * Follows a subscription until the answer is called. One that has a variable `$after` goes on behind the last change that
 * it told of when the connection was lost, so that nothing is missed.
 */
export function follow(operation: Operation, headers: Record<string, string>, sink: Sink): () => void {
  const variables = { ...operation.variables };
  const isResumed = /\$after\b/.test(operation.query);
  const client = connect(() => ({ ...authorization(), ...headers }));
  const payload = { query: operation.query, operationName: operation.operationName, variables };
  const stop = client.subscribe(payload, {
    next(answer) {
      const revision = (answer.data?.['taskChanges'] as { revision?: unknown } | undefined)?.revision;
      if (isResumed && revision !== undefined) variables['after'] = revision;
      sink.next(answer);
    },
    error: (error) => sink.done(sentence(error)),
    complete: () => sink.done(),
  });
  return () => {
    stop();
    void client.dispose();
  };
}

function connect(credentials: () => Record<string, string>): Client {
  let socket: WebSocket | undefined;
  return createClient({
    url: new URL('/graphql', location.href).href.replace(/^http/, 'ws'),
    connectionParams: credentials,
    retryAttempts: Infinity,
    // With the same token it would be the same again.
    shouldRetry: (event) => !(event instanceof CloseEvent && event.code === FORBIDDEN),
    retryWait: () => new Promise((again) => setTimeout(again, 1000)),
    on: {
      opened: (opened) => (socket = opened as WebSocket),
      closed: (event) => {
        if ((event as CloseEvent).code === 1006) lost();
      },
      // The service asks for a fresh token before the one it knows ends.
      ping: (received, payload) => {
        if (received && payload?.['expiresIn']) socket?.send(JSON.stringify({ type: 'ping', payload: credentials() }));
      },
    },
  });
}

function sentence(error: unknown): string {
  if (Array.isArray(error)) return error.map((one: Error) => one.message).join(' ');
  if (error instanceof CloseEvent) return `The service closed the connection: ${error.reason || error.code}.`;
  return error instanceof Error ? error.message : 'The subscription broke off.';
}
