// Apollo Client: its normalized cache, Relay-style pages, optimistic answers, live changes by graphql-ws.
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { CombinedGraphQLErrors } from '@apollo/client/errors';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { isSubscriptionOperation, relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';

const TASK = gql`fragment TaskParts on Task { id title completed revision }`;
const TASKS = gql`${TASK}
  query Tasks($first: Int, $after: String) {
    tasks(first: $first, after: $after) {
      revision
      edges { cursor node { ...TaskParts } }
      pageInfo { hasNextPage endCursor }
    }
  }`;
const ONE = gql`${TASK} query Task($id: ID!) { task(id: $id) { ...TaskParts } }`;
const CREATE = gql`${TASK}
  mutation CreateTask($input: CreateTaskInput!) { createTask(input: $input) { task { ...TaskParts } } }`;
const RENAME = gql`${TASK}
  mutation RenameTask($input: UpdateTaskInput!) { updateTask(input: $input) { task { ...TaskParts } } }`;
const COMPLETE = gql`${TASK}
  mutation CompleteTask($input: SetTaskCompletedInput!) { setTaskCompleted(input: $input) { task { ...TaskParts } } }`;
const DELETE = gql`mutation DeleteTask($input: DeleteTaskInput!) { deleteTask(input: $input) { deletedTaskId } }`;
const CHANGES = gql`${TASK}
  subscription Changes($after: Revision) {
    taskChanges(after: $after) {
      ... on TaskUpserted { revision task { ...TaskParts } }
      ... on TaskDeleted { revision taskId }
      ... on FeedReset { revision }
    }
  }`;

export async function connect({ url, token, fetch, webSocketImpl }) {
  const authorization = `Bearer ${token}`;
  const sockets = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl,
    connectionParams: { authorization },
    retryAttempts: Infinity,
    shouldRetry: () => true,
  });
  const cache = new InMemoryCache({ typePolicies: { Query: { fields: { tasks: relayStylePagination() } } } });
  const client = new ApolloClient({
    cache,
    link: ApolloLink.split(
      ({ query }) => isSubscriptionOperation(query),
      new GraphQLWsLink(sockets),
      new HttpLink({ uri: url, fetch, headers: { authorization } }),
    ),
  });

  const first = { query: TASKS, variables: { first: 2 } };
  const { data } = await client.query(first);
  let { revision } = data.tasks;
  const list = client.watchQuery(first);
  const watching = list.subscribe(() => undefined);

  /** Puts a task that is new at the top of the list. One that is in it has changed with its entity already. */
  const put = (task) =>
    cache.updateQuery(first, ({ tasks }) => {
      if (tasks.edges.some(({ node }) => node.id === task.id)) return undefined;
      const edge = { __typename: 'TaskEdge', cursor: '', node: task };
      return { tasks: { ...tasks, edges: [edge, ...tasks.edges] } };
    });
  /** The list leaves out what is not in the cache. */
  const drop = (id) => cache.evict({ id: cache.identify({ __typename: 'Task', id }) });
  const mutate = (mutation, input, more) => client.mutate({ mutation, variables: { input }, ...more });

  return {
    shown: () => list.getCurrentResult().data.tasks.edges.map(({ node }) => node),
    hasMore: () => list.getCurrentResult().data.tasks.pageInfo.hasNextPage,
    more: () => list.fetchMore({ variables: { after: list.getCurrentResult().data.tasks.pageInfo.endCursor } }),
    read: (id) => client.query({ query: ONE, variables: { id } }),
    create: (title) => mutate(CREATE, { title }, { update: (_, { data }) => put(data.createTask.task) }),
    rename: (id, title) => mutate(RENAME, { id, title }),
    complete: (task, expectedRevision) =>
      mutate(COMPLETE, { id: task.id, completed: true, expectedRevision }, {
        optimisticResponse: {
          setTaskCompleted: { __typename: 'SetTaskCompletedPayload', task: { ...task, completed: true } },
        },
      }),
    remove: (id) => mutate(DELETE, { id }, { update: (_, { data }) => drop(data.deleteTask.deletedTaskId) }),
    follow() {
      // A getter, so that the library's retries go on after the last change that was told.
      const variables = {
        get after() {
          return revision;
        },
      };
      client.subscribe({ query: CHANGES, variables }).subscribe(({ data }) => {
        const { __typename, task, taskId, ...change } = data.taskChanges;
        revision = change.revision;
        if (__typename === 'TaskUpserted') put(task);
        else if (__typename === 'TaskDeleted') drop(taskId);
        else void list.refetch();
      });
    },
    errors: (error) => (CombinedGraphQLErrors.is(error) ? error.errors : []),
    async close() {
      watching.unsubscribe();
      client.stop();
      await sockets.dispose();
    },
  };
}
