// urql with Graphcache: its normalized cache, Relay-style pages, optimistic answers, live changes by server-sent events.
import { readFileSync } from 'node:fs';

import { Client, fetchExchange, gql } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { buildSchema, introspectionFromSchema } from 'graphql';
import { pipe, subscribe } from 'wonka';

// What Graphcache has to know of the types. The build of a front end puts it into a JSON file.
const sdl = readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8');
const schema = introspectionFromSchema(buildSchema(sdl));

const TASK = gql`fragment TaskParts on Task { id title completed revision }`;
const TASKS = gql`
  query Tasks($first: Int, $after: String) {
    tasks(first: $first, after: $after) {
      revision
      edges { cursor node { ...TaskParts } }
      pageInfo { hasNextPage endCursor }
    }
  }
  ${TASK}`;
const ONE = gql`query Task($id: ID!) { task(id: $id) { ...TaskParts } } ${TASK}`;
const CREATE = gql`
  mutation CreateTask($input: CreateTaskInput!) { createTask(input: $input) { task { ...TaskParts } } } ${TASK}`;
const RENAME = gql`
  mutation RenameTask($input: UpdateTaskInput!) { updateTask(input: $input) { task { ...TaskParts } } } ${TASK}`;
const COMPLETE = gql`
  mutation CompleteTask($input: SetTaskCompletedInput!) { setTaskCompleted(input: $input) { task { ...TaskParts } } }
  ${TASK}`;
const DELETE = gql`mutation DeleteTask($input: DeleteTaskInput!) { deleteTask(input: $input) { deletedTaskId } }`;
const CHANGES = gql`
  subscription Changes($after: Revision) {
    taskChanges(after: $after) {
      ... on TaskUpserted { revision task { ...TaskParts } }
      ... on TaskDeleted { revision taskId }
      ... on FeedReset { revision }
    }
  }
  ${TASK}`;

const EDGE = gql`fragment Edge on TaskEdge { cursor node { id } }`;

/** The pages of the list that are in the cache, the first one first, each with the keys of its edges. */
function pages(cache) {
  const fields = cache.inspectFields('Query').filter(({ fieldName }) => fieldName === 'tasks');
  fields.sort((a, b) => Boolean(a.arguments?.after) - Boolean(b.arguments?.after));
  const keys = fields.map(({ fieldKey }) => cache.resolve('Query', fieldKey));
  return keys.map((page) => ({ page, edges: cache.resolve(page, 'edges') }));
}

/** Puts a task that is new at the top of the list. One that is in it has changed with its entity already. */
function put({ id }, cache) {
  const key = `TaskEdge:${id}`;
  const all = pages(cache);
  if (all.length === 0 || all.some(({ edges }) => edges.includes(key))) return;
  cache.writeFragment(EDGE, { __typename: 'TaskEdge', cursor: '', node: { __typename: 'Task', id } });
  cache.link(all[0].page, 'edges', [key, ...all[0].edges]);
}

function drop(id, cache) {
  for (const { page, edges } of pages(cache)) {
    cache.link(page, 'edges', edges.filter((edge) => edge !== `TaskEdge:${id}`));
  }
  cache.invalidate({ __typename: 'Task', id });
}

const graphcache = () =>
  cacheExchange({
    schema,
    keys: { TaskEdge: ({ node }) => node.id },
    resolvers: { Query: { tasks: relayPagination() } },
    updates: {
      Mutation: {
        createTask: ({ createTask }, _, cache) => put(createTask.task, cache),
        deleteTask: ({ deleteTask }, _, cache) => drop(deleteTask.deletedTaskId, cache),
      },
      Subscription: {
        taskChanges({ taskChanges: { task, taskId } }, _, cache) {
          if (task) put(task, cache);
          else if (taskId) drop(taskId, cache);
          else cache.invalidate('Query', 'tasks'); // a reset: what watches the list reads it again
        },
      },
    },
    optimistic: {
      setTaskCompleted: ({ input: { id, completed } }) => ({
        __typename: 'SetTaskCompletedPayload',
        task: { __typename: 'Task', id, completed },
      }),
    },
  });

export async function connect({ url, token, fetch }) {
  const client = new Client({
    url,
    fetch,
    fetchOptions: { headers: { authorization: `Bearer ${token}` } },
    preferGetMethod: false,
    exchanges: [graphcache(), fetchExchange],
    fetchSubscriptions: true,
  });
  const ok = async (operation) => {
    const result = await operation;
    if (result.error) throw result.error;
    return result;
  };

  let seen;
  const watch = (after) => {
    let isOver;
    const first = new Promise((resolve, reject) => {
      const { unsubscribe } = pipe(
        client.query(TASKS, { first: 2, after }),
        subscribe((result) => {
          if (result.error) return reject(result.error);
          if (after === undefined) seen = result.data.tasks;
          resolve();
        }),
      );
      isOver = unsubscribe;
    });
    return { first, isOver };
  };
  const list = watch();
  await list.first;
  let { revision } = seen;
  let following;
  let isClosed = false;

  return {
    shown: () => seen.edges.map(({ node }) => node),
    hasMore: () => seen.pageInfo.hasNextPage,
    // The resolver joins the pages: whoever watches the first sees this one after it.
    async more() {
      const page = watch(seen.pageInfo.endCursor);
      await page.first;
      page.isOver();
    },
    read: (id) => ok(client.query(ONE, { id })),
    create: (title) => ok(client.mutation(CREATE, { input: { title } })),
    rename: (id, title) => ok(client.mutation(RENAME, { input: { id, title } })),
    complete: ({ id }, expectedRevision) =>
      ok(client.mutation(COMPLETE, { input: { id, completed: true, expectedRevision } })),
    remove: (id) => ok(client.mutation(DELETE, { input: { id } })),
    follow() {
      // urql tries a stream that broke off no further; what was told last says where the next goes on.
      const run = () => {
        following = pipe(
          client.subscription(CHANGES, { after: revision }),
          subscribe(({ data, error }) => {
            if (data) revision = data.taskChanges.revision;
            if (!error || isClosed) return;
            following?.unsubscribe();
            setTimeout(run, 250);
          }),
        );
      };
      run();
    },
    errors: (error) => error.graphQLErrors ?? [],
    async close() {
      isClosed = true;
      following?.unsubscribe();
      list.isOver();
    },
  };
}
