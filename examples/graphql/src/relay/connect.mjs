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

export async function connect({ url, token, fetch }) {
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
  const environment = new Environment({ network, store: new Store(new RecordSource()) });

  const operation = createOperationDescriptor(LIST, { first: 2 });
  environment.retain(operation);
  const list = () => environment.lookup(operation.fragment).data.tasks;
  const connections = [ConnectionHandler.getConnectionID(ROOT_ID, 'tasks_tasks')];
  const page = (variables) => fetchQuery(environment, LIST, variables, { fetchPolicy: 'network-only' }).toPromise();
  const mutate = (mutation, input, more) =>
    new Promise((resolve, reject) => {
      const variables = { input, ...more?.variables };
      commitMutation(environment, { mutation, ...more, variables, onCompleted: resolve, onError: reject });
    });

  /** Puts a task that is new at the top of the list. One that is in it has changed with its record already. */
  function put(store) {
    const change = store.getRootField('taskChanges');
    if (change.getType() !== 'TaskUpserted') return;
    const task = change.getLinkedRecord('task');
    const connection = store.get(connections[0]);
    const edges = connection.getLinkedRecords('edges');
    if (edges.some((edge) => edge?.getLinkedRecord('node')?.getDataID() === task.getDataID())) return;
    ConnectionHandler.insertEdgeBefore(connection, ConnectionHandler.createEdge(store, connection, task, 'TaskEdge'));
  }

  const { tasks } = await page({ first: 2 });
  // graphql-sse sends the variables anew with each retry: what was told last says where it goes on.
  const variables = { after: tasks.revision };
  let following;

  return {
    shown: () => list().edges.flatMap(({ node }) => node ?? []),
    hasMore: () => list().pageInfo.hasNextPage,
    more: () => page({ first: 2, after: list().pageInfo.endCursor }),
    read: (id) => fetchQuery(environment, ONE, { id }).toPromise(),
    create: (title) => mutate(CREATE, { title }, { variables: { connections } }),
    rename: (id, title) => mutate(RENAME, { id, title }),
    complete: ({ id, title, revision }, expectedRevision) =>
      mutate(COMPLETE, { id, completed: true, expectedRevision }, {
        optimisticResponse: { setTaskCompleted: { task: { id, title, completed: true, revision } } },
      }),
    remove: (id) => mutate(DELETE, { id }),
    follow() {
      following = requestSubscription(environment, {
        subscription: CHANGES,
        variables,
        updater: put,
        onNext({ taskChanges: { __typename, revision } }) {
          variables.after = revision;
          if (__typename === 'FeedReset') void page({ first: 2 });
        },
      });
    },
    errors: (error) => error.errors ?? [],
    async close() {
      following?.dispose();
      streams.dispose();
    },
  };
}
