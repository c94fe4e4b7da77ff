// npm graphql-sse against the program, and the REST stream as a browser reads it: node sse.mjs BINARY
// Single results, refusals, and subscriptions that miss nothing while the service is killed twice and stopped once.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { createClient } from 'graphql-sse';

import { Service } from './service.mjs';

const service = new Service(process.argv[2]);
await service.start();
const token = service.token('ann');
const url = `${service.url}/graphql`;

// A client as an application would make it: the library's own retries, somewhat faster.
const client = createClient({
  url,
  headers: async () => ({ authorization: `Bearer ${token}` }),
  retryAttempts: 100,
  retry: () => sleep(100),
});

async function single(query, variables) {
  const results = [];
  for await (const result of client.iterate({ query, variables })) results.push(result);
  assert.equal(results.length, 1);
  return results[0];
}

async function singleResults() {
  assert.deepEqual(await single('{ viewer { id } }'), { data: { viewer: { id: 'ann' } } });
  const create = 'mutation ($title: String!) { createTask(input: { title: $title }) { task { title } } }';
  const created = await single(create, { title: 'one' });
  assert.deepEqual(created, { data: { createTask: { task: { title: 'one' } } } });
  const refused = await single('{ nope }');
  assert.equal(refused.errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
}

// What an application does to miss nothing: it keeps the revision of the last change, and a retry begins after it.
function follow(after, told) {
  const query = `subscription ($after: Revision) { taskChanges(after: $after) {
    __typename
    ... on TaskUpserted { revision task { title } }
    ... on TaskDeleted { revision taskId }
    ... on FeedReset { revision }
  } }`;
  const payload = { query, variables: { after } };
  client.subscribe(payload, {
    next: ({ data, errors }) => {
      if (errors) throw errors;
      payload.variables.after = data.taskChanges.revision;
      told.push(data.taskChanges.task.title);
    },
    error: (error) => {
      console.error('the subscription failed:', error);
      process.exit(1);
    },
    complete: () => {},
  });
}

// As an EventSource does it: after the last event that it heard of, again and again.
async function listen(told, isOver) {
  let last = '';
  while (!isOver()) {
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream', 'last-event-id': last };
    try {
      const answer = await fetch(`${service.url}/api/tasks/events?since=0`, { headers });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      let text = '';
      for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
          const fields = Object.fromEntries(text.slice(0, end).split('\n').map((line) => line.split(/: ?(.*)/s)));
          if (!fields.id) continue;
          last = fields.id;
          told.push(JSON.parse(fields.data).task.title);
        }
      }
    } catch {
      await sleep(100);
    }
  }
}

async function nothingIsMissed() {
  const { data } = await single('{ tasks { revision } }');
  const [told, heard] = [[], []];
  let isOver = false;
  follow(data.tasks.revision, told);
  listen(heard, () => isOver);

  const tasks = await service.writeThroughEnds(token, ['one']);
  const all = ['one', ...tasks];
  for (let tries = 0; (told.length < tasks.length || heard.length < all.length) && tries < 100; tries++) await sleep(50);
  await sleep(200);
  isOver = true;
  assert.deepEqual([...new Set(told)].sort(), [...tasks].sort(), 'the subscription missed a change');
  assert.deepEqual([...heard].sort(), [...all].sort(), 'the stream missed a change, or told it twice');
  return `${tasks.length} changes, none missed`;
}

await singleResults();
console.log(`graphql-sse and REST events: ${await nothingIsMissed()}`);
client.dispose();
assert.equal(await service.stop(), 0);
process.exit(0);
