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

function connect({ url, token, fetch, webSocketImpl }) {
  const authorization = `Bearer ${token}`;
  const sockets = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl,
    connectionParams: { authorization },
    retryAttempts: Infinity,
    shouldRetry: () => true,
  });
  const link = ApolloLink.split(
    ({ query }) => isSubscriptionOperation(query),
    new GraphQLWsLink(sockets),
    new HttpLink({ uri: url, fetch, headers: { authorization } }),
  );
  const cache = new InMemoryCache({ typePolicies: { Query: { fields: { tasks: relayStylePagination() } } } });
  return { client: new ApolloClient({ cache, link }), sockets };
}

export class ApolloTasks {
  static async open(settings) {
    const tasks = new ApolloTasks();
    Object.assign(tasks, connect(settings));
    tasks.first = { query: TASKS, variables: { first: 2 } };
    const { data } = await tasks.client.query(tasks.first);
    tasks.revision = data.tasks.revision;
    tasks.list = tasks.client.watchQuery(tasks.first);
    tasks.watching = tasks.list.subscribe(() => undefined);
    return tasks;
  }

  get #shown() {
    return this.list.getCurrentResult().data.tasks;
  }

  shown() {
    return this.#shown.edges.map(({ node }) => node);
  }

  hasMore() {
    return this.#shown.pageInfo.hasNextPage;
  }

  more() {
    return this.list.fetchMore({ variables: { after: this.#shown.pageInfo.endCursor } });
  }

  read(id) {
    return this.client.query({ query: ONE, variables: { id } });
  }

  create(title) {
    return this.#mutate(CREATE, { title }, { update: (_, { data }) => this.#put(data.createTask.task) });
  }

  rename(id, title) {
    return this.#mutate(RENAME, { id, title });
  }

  complete(task, expectedRevision) {
    const optimisticResponse = {
      setTaskCompleted: { __typename: 'SetTaskCompletedPayload', task: { ...task, completed: true } },
    };
    return this.#mutate(COMPLETE, { id: task.id, completed: true, expectedRevision }, { optimisticResponse });
  }

  remove(id) {
    return this.#mutate(DELETE, { id }, { update: (_, { data }) => this.#drop(data.deleteTask.deletedTaskId) });
  }

  follow() {
    const tasks = this;
    // A getter, so that the library's retries go on after the last change that was told.
    const variables = {
      get after() {
        return tasks.revision;
      },
    };
    this.client.subscribe({ query: CHANGES, variables }).subscribe(({ data }) => {
      const { __typename, task, taskId, revision } = data.taskChanges;
      this.revision = revision;
      if (__typename === 'TaskUpserted') this.#put(task);
      else if (__typename === 'TaskDeleted') this.#drop(taskId);
      else void this.list.refetch();
    });
  }

  /** What the service said of a request that failed. */
  errors(error) {
    return CombinedGraphQLErrors.is(error) ? error.errors : [];
  }

  async close() {
    this.watching.unsubscribe();
    this.client.stop();
    await this.sockets.dispose();
  }

  #mutate(mutation, input, more) {
    return this.client.mutate({ mutation, variables: { input }, ...more });
  }

  /** Puts a task that is new at the top of the list. One that is in it has changed with its entity already. */
  #put(task) {
    this.client.cache.updateQuery(this.first, ({ tasks }) => {
      if (tasks.edges.some(({ node }) => node.id === task.id)) return undefined;
      const edge = { __typename: 'TaskEdge', cursor: '', node: task };
      return { tasks: { ...tasks, edges: [edge, ...tasks.edges] } };
    });
  }

  /** The list leaves out what is not in the cache. */
  #drop(id) {
    const { cache } = this.client;
    cache.evict({ id: cache.identify({ __typename: 'Task', id }) });
  }
}
