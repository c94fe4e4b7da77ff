// The story that every client goes through, against the program: what a front end needs, and what its cache shows.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import WebSocket from 'ws';

import { Service } from '../../../tests/clients/service.mjs';

const binary = process.env.TASKGATE ?? fileURLToPath(new URL('../../../target/debug/taskgate', import.meta.url));

export function story(name, Tasks, settings) {
  describe(name, () => tell(Tasks, settings));
}

function tell(Tasks, settings) {
  const service = new Service(binary, { BETTER_AUTH_SECRET: 'a secret of thirty-two bytes, no more', ...settings });
  let client, ann, foreign, requests = 0, answersMay = Promise.resolve();

  /** The network as the clients find it: counted, and its answers kept back while `answersMay` is not done. */
  async function network(...request) {
    requests++;
    const answer = await fetch(...request);
    await answersMay;
    return answer;
  }
  function holdAnswers() {
    let release;
    answersMay = new Promise((resolve) => (release = resolve));
    return release;
  }
  const rest = (...request) => service.rest(ann, ...request);
  const titles = () => client.shown().map(({ title }) => title);
  const find = (title) => client.shown().find((task) => task.title === title);
  async function until(isSo) {
    for (let tries = 0; tries < 200 && !(await isSo()); tries++) await sleep(50);
    return isSo();
  }
  async function shows(...expected) {
    await until(() => titles().join() === expected.join());
    assert.deepEqual(titles(), expected);
  }
  async function refused(action) {
    const error = await action.then(() => assert.fail('it was not refused'), (error) => error);
    const [first] = client.errors(error);
    assert.ok(first, error);
    return first;
  }

  before(async () => {
    await service.start();
    ann = service.token('ann');
    foreign = await service.rest(service.token('bob'), 'POST', '/api/tasks', { title: 'of another' });
    for (const title of ['one', 'two', 'three', 'four', 'five']) await rest('POST', '/api/tasks', { title });
    const url = `${service.url}/graphql`;
    client = await Tasks.open({ url, token: ann, fetch: network, webSocketImpl: WebSocket });
  });
  after(async () => {
    await client?.close();
    assert.equal(await service.stop(), 0);
    setImmediate(() => process.exit()); // what the libraries keep open
  });

  test('pages come one after the other', async () => {
    assert.deepEqual([titles(), client.hasMore()], [['five', 'four'], true]);
    await client.more();
    await shows('five', 'four', 'three', 'two');
    await client.more();
    await shows('five', 'four', 'three', 'two', 'one');
    assert.equal(client.hasMore(), false);
    assert.equal(requests, 3);
  });

  test('an answer changes the task wherever it is shown', async () => {
    const before = requests;
    await client.rename(find('two').id, 'zwei');
    await shows('five', 'four', 'three', 'zwei', 'one');
    assert.equal(requests, before + 1, 'the list was read again');
  });

  test('a change is shown before it is answered', async () => {
    const release = holdAnswers();
    const { id } = find('four');
    const change = client.complete(find('four'));
    assert.ok(await until(() => find('four').completed), 'it is not shown');
    assert.ok(await until(async () => (await rest('GET', `/api/tasks/${id}`)).completed), 'it was not sent');
    release();
    await change;
    assert.equal(find('four').completed, true);
  });

  test('what is refused is taken back', async () => {
    const three = find('three');
    await rest('PUT', `/api/tasks/${three.id}`, { description: 'changed meanwhile' });
    const release = holdAnswers();
    const change = refused(client.complete(three, three.revision));
    assert.ok(await until(() => find('three').completed), 'it is not shown');
    release();
    const { extensions } = await change;
    assert.equal(extensions.code, 'PRECONDITION_FAILED');
    assert.ok(extensions.current > three.revision, extensions.current);
    assert.equal(find('three').completed, false);
  });

  test('a new task is at the top, a deleted one is gone', async () => {
    const before = requests;
    await client.create('six');
    await client.remove(find('one').id);
    await shows('six', 'five', 'four', 'three', 'zwei');
    assert.equal(requests, before + 2, 'the list was read again');
  });

  test('errors say which and where', async () => {
    const empty = await refused(client.create(' '));
    assert.equal(empty.extensions.code, 'VALIDATION_ERROR');
    assert.deepEqual(empty.extensions.errors[0].loc, ['input', 'title']);
    const forbidden = await refused(client.read(String(foreign.id)));
    assert.deepEqual([forbidden.extensions.code, forbidden.path], ['FORBIDDEN', ['task']]);
    await shows('six', 'five', 'four', 'three', 'zwei');
  });

  test('what others do is shown as it happens, also after the service was killed', async () => {
    client.follow();
    await rest('POST', '/api/tasks', { title: 'seven' });
    await rest('PUT', `/api/tasks/${find('five').id}`, { title: 'fünf' });
    await shows('seven', 'six', 'fünf', 'four', 'three', 'zwei');
    await service.kill();
    await service.start();
    await rest('DELETE', `/api/tasks/${find('four').id}`);
    await rest('POST', '/api/tasks', { title: 'eight' });
    await shows('eight', 'seven', 'six', 'fünf', 'three', 'zwei');
  });
}
