// What relay-compiler reads: each document becomes a module in `__generated__`, and an entry of the manifest that
// TASKGATE_TRUSTED_DOCUMENTS takes.
import { graphql } from 'relay-runtime';

export const documents = () => [
  graphql`
    fragment tasks_task on Task {
      id
      title
      completed
      revision
    }
  `,
  graphql`
    query tasksListQuery($first: Int, $after: String) {
      tasks(first: $first, after: $after) @connection(key: "tasks_tasks") {
        revision
        edges {
          node {
            ...tasks_task @relay(mask: false)
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  graphql`
    query tasksOneQuery($id: ID!) {
      task(id: $id) {
        ...tasks_task @relay(mask: false)
      }
    }
  `,
  graphql`
    mutation tasksCreateMutation($input: CreateTaskInput!, $connections: [ID!]!) {
      createTask(input: $input) {
        task @prependNode(connections: $connections, edgeTypeName: "TaskEdge") {
          ...tasks_task @relay(mask: false)
        }
      }
    }
  `,
  graphql`
    mutation tasksRenameMutation($input: UpdateTaskInput!) {
      updateTask(input: $input) {
        task {
          ...tasks_task @relay(mask: false)
        }
      }
    }
  `,
  graphql`
    mutation tasksCompleteMutation($input: SetTaskCompletedInput!) {
      setTaskCompleted(input: $input) {
        task {
          ...tasks_task @relay(mask: false)
        }
      }
    }
  `,
  graphql`
    mutation tasksDeleteMutation($input: DeleteTaskInput!) {
      deleteTask(input: $input) {
        deletedTaskId @deleteRecord
      }
    }
  `,
  graphql`
    subscription tasksChangesSubscription($after: Revision) {
      taskChanges(after: $after) {
        __typename
        ... on TaskUpserted {
          revision
          task {
            ...tasks_task @relay(mask: false)
          }
        }
        ... on TaskDeleted {
          revision
          taskId @deleteRecord
        }
        ... on FeedReset {
          revision
        }
      }
    }
  `,
];
