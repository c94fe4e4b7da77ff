// npm graphql-ws against the program: node ws.mjs BINARY
// Single results, refusals, and a subscription that misses nothing while the service is killed twice and stopped once.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

import { Service } from './service.mjs';

const service = new Service(process.argv[2]);
await service.start();
const token = service.token('ann');
const url = `ws://127.0.0.1:${service.port}/graphql`;

// A client as an application would make it: the library's own retries, somewhat faster.
function client(settings = {}) {
  return createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: async () => ({ authorization: `Bearer ${token}` }),
    retryAttempts: 50,
    // Without, a connection that is refused is the end.
    shouldRetry: () => true,
    retryWait: () => sleep(100),
    ...settings,
  });
}

async function single(client, query, variables) {
  const results = [];
  for await (const result of client.iterate({ query, variables })) results.push(result);
  assert.equal(results.length, 1);
  return results[0];
}

async function singleResults() {
  const own = client();
  assert.deepEqual(await single(own, '{ viewer { id } }'), { data: { viewer: { id: 'ann' } } });
  const create = 'mutation ($title: String!) { createTask(input: { title: $title }) { task { title } } }';
  const created = await single(own, create, { title: 'one' });
  assert.deepEqual(created, { data: { createTask: { task: { title: 'one' } } } });
  await assert.rejects(single(own, '{ nope }'), ([error]) => error.extensions.code === 'GRAPHQL_VALIDATION_FAILED');
  assert.deepEqual(await single(own, '{ viewer { id } }'), { data: { viewer: { id: 'ann' } } });
  await own.dispose();
}

async function refusals() {
  // 4403 is tried again, with parameters that are asked for anew.
  let asked = 0;
  const late = client({ connectionParams: () => ({ authorization: `Bearer ${asked++ < 2 ? 'stale' : token}` }) });
  assert.deepEqual(await single(late, '{ viewer { id } }'), { data: { viewer: { id: 'ann' } } });
  assert.equal(asked, 3);
  await late.dispose();
  const never = client({ connectionParams: {}, retryAttempts: 0 });
  await assert.rejects(single(never, '{ viewer { id } }'), ({ code }) => code === 4403);
}

// What an application does to miss nothing: it keeps the revision of the last change, and a retry begins after it.
function follow(client, after, told) {
  const query = `subscription ($after: Revision) { taskChanges(after: $after) {
    __typename
    ... on TaskUpserted { revision task { title } }
    ... on TaskDeleted { revision taskId }
    ... on FeedReset { revision }
  } }`;
  const payload = { query, variables: { after } };
  const over = new Promise((resolve, reject) => {
    client.subscribe(payload, {
      next: ({ data, errors }) => {
        if (errors) return reject(errors);
        payload.variables.after = data.taskChanges.revision;
        told.push(data.taskChanges);
      },
      error: reject,
      complete: resolve,
    });
  });
  over.catch((error) => {
    console.error('the subscription failed:', error);
    process.exit(1);
  });
}

async function nothingIsMissed() {
  let connected = 0;
  const own = client({ on: { connected: () => connected++ } });
  const { data } = await single(own, '{ tasks { revision } }');
  const told = [];
  follow(own, data.tasks.revision, told);

  const tasks = await service.writeThroughEnds(token, ['one']);
  for (let tries = 0; told.length < tasks.length && tries < 100; tries++) await sleep(50);
  await sleep(200);
  const titles = told.map(({ __typename, task }) => (assert.equal(__typename, 'TaskUpserted'), task.title));
  assert.deepEqual([...titles].sort(), [...tasks].sort(), 'a change was missed, or told twice');
  // While it catches up, a revision also says where the reader began.
  const numbers = told.map(({ revision }) => BigInt(revision.split('.')[0]));
  assert.ok(numbers.every((number, n) => n === 0 || number > numbers[n - 1]), 'out of order');
  assert.ok(connected >= 4, `it connected ${connected} times`);
  await own.dispose();
  return `${tasks.length} changes over ${connected} connections, none missed`;
}

await singleResults();
await refusals();
console.log(`graphql-ws: ${await nothingIsMissed()}`);
assert.equal(await service.stop(), 0);
process.exit(0);
