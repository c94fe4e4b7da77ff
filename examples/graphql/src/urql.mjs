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

export class UrqlTasks {
  static async open({ url, token, fetch }) {
    const tasks = new UrqlTasks();
    tasks.client = new Client({
      url,
      fetch,
      fetchOptions: { headers: { authorization: `Bearer ${token}` } },
      preferGetMethod: false,
      exchanges: [graphcache(), fetchExchange],
      fetchSubscriptions: true,
    });
    await tasks.#open();
    return tasks;
  }

  /** Watches the list; its resolver joins the pages that are in the cache. */
  #open() {
    return new Promise((resolve, reject) => {
      const seen = subscribe(({ data, error }) => {
        if (error) return reject(error);
        this.list = data.tasks;
        this.revision ??= data.tasks.revision;
        resolve();
      });
      this.watching = pipe(this.client.query(TASKS, { first: 2 }), seen);
    });
  }

  shown() {
    return this.list.edges.map(({ node }) => node);
  }

  hasMore() {
    return this.list.pageInfo.hasNextPage;
  }

  more() {
    return ok(this.client.query(TASKS, { first: 2, after: this.list.pageInfo.endCursor }));
  }

  read(id) {
    return ok(this.client.query(ONE, { id }));
  }

  create(title) {
    return ok(this.client.mutation(CREATE, { input: { title } }));
  }

  rename(id, title) {
    return ok(this.client.mutation(RENAME, { input: { id, title } }));
  }

  complete({ id }, expectedRevision) {
    return ok(this.client.mutation(COMPLETE, { input: { id, completed: true, expectedRevision } }));
  }

  remove(id) {
    return ok(this.client.mutation(DELETE, { input: { id } }));
  }

  /** urql does not try a stream again that broke off: the next one goes on after what was told last. */
  follow() {
    const told = subscribe(({ data, error }) => {
      if (data) this.revision = data.taskChanges.revision;
      if (!error || this.isClosed) return;
      this.following.unsubscribe();
      setTimeout(() => this.follow(), 250);
    });
    this.following = pipe(this.client.subscription(CHANGES, { after: this.revision }), told);
  }

  /** What the service said of a request that failed. */
  errors(error) {
    return error.graphQLErrors ?? [];
  }

  async close() {
    this.isClosed = true;
    this.following?.unsubscribe();
    this.watching.unsubscribe();
  }
}

async function ok(operation) {
  const result = await operation;
  if (result.error) throw result.error;
  return result;
}
