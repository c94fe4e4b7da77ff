// Relay: documents that were compiled and are sent by their id, connections, declarative updates, optimistic answers, live
// changes by graphql-sse. Without React: the hooks do the same with the same environment.
import { createClient } from 'graphql-sse';
import {
  commitMutation,
  ConnectionHandler,
  createOperationDescriptor,
  Environment,
  fetchQuery,
  Network,
  Observable,
  RecordSource,
  requestSubscription,
  ROOT_ID,
  Store,
} from 'relay-runtime';

import CHANGES from './__generated__/tasksChangesSubscription.graphql.js';
import COMPLETE from './__generated__/tasksCompleteMutation.graphql.js';
import CREATE from './__generated__/tasksCreateMutation.graphql.js';
import DELETE from './__generated__/tasksDeleteMutation.graphql.js';
import LIST from './__generated__/tasksListQuery.graphql.js';
import ONE from './__generated__/tasksOneQuery.graphql.js';
import RENAME from './__generated__/tasksRenameMutation.graphql.js';

/** What the service refused; Relay itself would hide the codes of errors beside data. */
class Refused extends Error {
  constructor(errors) {
    super(errors[0].message);
    this.errors = errors;
  }
}

function connect({ url, token, fetch }) {
  const authorization = `Bearer ${token}`;
  const streams = createClient({ url, fetchFn: fetch, headers: { authorization }, retryAttempts: 100 });
  const network = Network.create(
    async ({ id }, variables) => {
      const headers = { authorization, 'content-type': 'application/json' };
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ documentId: id, variables }) });
      const result = await answer.json();
      if (result.errors) throw new Refused(result.errors);
      return result;
    },
    ({ id }, variables) => Observable.create((sink) => streams.subscribe({ documentId: id, variables }, sink)),
  );
  return { environment: new Environment({ network, store: new Store(new RecordSource()) }), streams };
}

const CONNECTION = ConnectionHandler.getConnectionID(ROOT_ID, 'tasks_tasks');

export class RelayTasks {
  #first = createOperationDescriptor(LIST, { first: 2 });
  // graphql-sse sends the variables anew with each retry: what was told last says where it goes on.
  #variables = {};

  static async open(settings) {
    const tasks = new RelayTasks();
    Object.assign(tasks, connect(settings));
    tasks.environment.retain(tasks.#first);
    tasks.#variables.after = (await tasks.#page({ first: 2 })).tasks.revision;
    return tasks;
  }

  get #list() {
    return this.environment.lookup(this.#first.fragment).data.tasks;
  }

  shown() {
    return this.#list.edges.flatMap(({ node }) => node ?? []);
  }

  hasMore() {
    return this.#list.pageInfo.hasNextPage;
  }

  more() {
    return this.#page({ first: 2, after: this.#list.pageInfo.endCursor });
  }

  read(id) {
    return fetchQuery(this.environment, ONE, { id }).toPromise();
  }

  create(title) {
    return this.#mutate(CREATE, { input: { title }, connections: [CONNECTION] });
  }

  rename(id, title) {
    return this.#mutate(RENAME, { input: { id, title } });
  }

  complete({ id, title, revision }, expectedRevision) {
    const optimisticResponse = { setTaskCompleted: { task: { id, title, completed: true, revision } } };
    return this.#mutate(COMPLETE, { input: { id, completed: true, expectedRevision } }, optimisticResponse);
  }

  remove(id) {
    return this.#mutate(DELETE, { input: { id } });
  }

  follow() {
    this.following = requestSubscription(this.environment, {
      subscription: CHANGES,
      variables: this.#variables,
      updater: put,
      onNext: ({ taskChanges: { __typename, revision } }) => {
        this.#variables.after = revision;
        if (__typename === 'FeedReset') void this.#page({ first: 2 });
      },
    });
  }

  /** What the service said of a request that failed. */
  errors(error) {
    return error.errors ?? [];
  }

  async close() {
    this.following?.dispose();
    this.streams.dispose();
  }

  #page(variables) {
    return fetchQuery(this.environment, LIST, variables, { fetchPolicy: 'network-only' }).toPromise();
  }

  #mutate(mutation, variables, optimisticResponse) {
    return new Promise((onCompleted, onError) => {
      commitMutation(this.environment, { mutation, variables, optimisticResponse, onCompleted, onError });
    });
  }
}

/** Puts a task that is new at the top of the list. One that is in it has changed with its record already. */
function put(store) {
  const change = store.getRootField('taskChanges');
  if (change.getType() !== 'TaskUpserted') return;
  const task = change.getLinkedRecord('task');
  const list = store.get(CONNECTION);
  const nodes = list.getLinkedRecords('edges').map((edge) => edge?.getLinkedRecord('node')?.getDataID());
  if (nodes.includes(task.getDataID())) return;
  ConnectionHandler.insertEdgeBefore(list, ConnectionHandler.createEdge(store, list, task, 'TaskEdge'));
}
