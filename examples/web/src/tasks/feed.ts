import { createClient, type Client } from 'graphql-ws';

import { answer, TASKGATE_URL, type Api, type Change } from '../api/client';
import { sleep } from '../api/send';
import type { Tokens } from '../api/tokens';
import type { Live, TaskStore } from './store';

/** What changes, in the words of REST, so that both doors fill the same store. */
const CHANGES = `subscription Changes($after: Revision!) {
  taskChanges(after: $after) {
    __typename
    ... on TaskUpserted {
      revision
      task { id: databaseId title description completed created_at: createdAt updated_at: updatedAt }
    }
    ... on TaskDeleted { revision taskId }
    ... on FeedReset { revision }
  }
}`;

const TYPES = { TaskUpserted: 'upserted', TaskDeleted: 'deleted', FeedReset: 'reset' } as const;
type Told = { __typename: keyof typeof TYPES; revision: string; task?: unknown; taskId?: string };

/** Reads the tasks into the store and keeps them as they are at the service, until the answer is called. */
export function follow(api: Api, tokens: Tokens, store: TaskStore): () => void {
  let isOver = false;
  const tell = (live: Live, problem?: string) => isOver || store.follows(live, problem);
  const client = connect(tokens, tell);
  void (async () => {
    for (let wait = 1000; !isOver; wait = Math.min(wait * 2, 30_000)) {
      try {
        if (!store.isRead) await readAll(api, store);
        await listen(client, store);
        wait = 1000;
      } catch (error) {
        tell('away', sentence(error));
      }
      await sleep(wait);
    }
  })();
  return () => {
    isOver = true;
    void client.dispose();
  };
}

/** Reads on page by page. With the tasks comes the revision from which to follow, so that nothing falls in between. */
async function readAll(api: Api, store: TaskStore): Promise<void> {
  for (let hasMore = true; hasMore; ) {
    const query = { since: store.revision, limit: 100 };
    const { data } = await answer(api.GET('/api/tasks/changes', { params: { query } }));
    store.apply(data.changes);
    store.revision = data.revision;
    hasMore = data.has_more;
  }
  store.read();
}

/** Applies what happens. A lost connection is made again by the client, which then asks after the latest revision. */
async function listen(client: Client, store: TaskStore): Promise<void> {
  const variables = {
    get after() {
      return store.revision;
    },
  };
  for await (const { data, errors } of client.iterate<{ taskChanges: Told }>({ query: CHANGES, variables })) {
    if (errors || !data) throw errors;
    store.apply([change(data.taskChanges)]);
    if (!store.isRead) return;
  }
}

function change({ __typename, taskId, ...told }: Told): Change {
  return { ...told, type: TYPES[__typename], ...(taskId && { id: Number(taskId) }) } as Change;
}

function connect(tokens: Tokens, tell: (live: Live) => void): Client {
  let socket: WebSocket | undefined;
  let sent = '';
  tokens.onRenewal((token) => {
    if (socket?.readyState !== WebSocket.OPEN) return;
    sent = token;
    socket.send(JSON.stringify({ type: 'ping', payload: { authorization: `Bearer ${token}` } }));
  });
  return createClient({
    url: `${TASKGATE_URL.replace(/^http/, 'ws')}/graphql`,
    connectionParams: async () => {
      // What is thrown here would be the end. Without a token the service says so, and the client comes again.
      sent = await tokens.current().catch(() => '');
      return { authorization: `Bearer ${sent}` };
    },
    retryAttempts: Infinity,
    shouldRetry: () => true,
    retryWait: (retries) => sleep(Math.min(250 * 2 ** retries, 5000) * (0.5 + Math.random())),
    on: {
      opened: (opened) => (socket = opened as WebSocket),
      connected: () => tell('live'),
      closed: (event) => {
        if ((event as CloseEvent).code === 4403) void tokens.insteadOf(sent).catch(() => undefined);
        tell('away');
      },
    },
  });
}

function sentence(error: unknown): string {
  const [first] = Array.isArray(error) ? error : [error];
  return (first as Error | undefined)?.message ?? 'The connection to the server was lost.';
}
