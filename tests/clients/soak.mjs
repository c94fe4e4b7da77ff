// A soak of the live feed, by hand: scripts/soak. Two nodes on one PostgreSQL, users with several sockets each, changes at
// an even rate, sockets that break off at random and go on where they were. In the end every client must have the server's
// tasks. Prints figures as JSON.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import WebSocket from 'ws';

const [binary, database] = process.argv.slice(2);
const setting = (name, value) => Number(process.env[name] ?? value);
const USERS = setting('SOAK_USERS', 200);
const SOCKETS = setting('SOAK_SOCKETS', 10); // of each user, on both nodes in turn
const RATE = setting('SOAK_RATE', 500); // changes a second
const SECONDS = setting('SOAK_SECONDS', 60);
const SECRET = 'a secret of thirty-two bytes, no more';

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function token(user) {
  const now = Math.floor(Date.now() / 1000);
  const text = `${encoded({ alg: 'HS256' })}.${encoded({ sub: user, iat: now, exp: now + 7200 })}`;
  return `Bearer ${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

const nodes = [8741, 8742].map((port) => {
  const env = {
    BETTER_AUTH_SECRET: SECRET, DATABASE_URL: database, LISTEN: `127.0.0.1:${port}`, TASKGATE_LOG: 'warn',
    TASKGATE_RATE_LIMIT: '1000000',
  };
  const child = spawn(binary, ['serve'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  process.on('exit', () => child.kill('SIGKILL'));
  return { url: `http://127.0.0.1:${port}`, child };
});
const resident = () => nodes.map(({ child }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`))[1]));
for (const { url } of nodes) {
  for (let tries = 0; !(await fetch(`${url}/readyz`).catch(() => null))?.ok; tries++) {
    assert.ok(tries < 200, 'a node is not ready');
    await sleep(50);
  }
}

const users = Array.from({ length: USERS }, (_, number) => {
  const user = `user ${number}`;
  return { user, token: token(user), ids: [] };
});
async function call(node, { token }, method, path, body) {
  const headers = { authorization: token, 'content-type': 'application/json' };
  const answer = await fetch(`${nodes[node].url}${path}`, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer;
}

// When a change was acknowledged, and by which node; who was told before that.
const acknowledged = new Map();
const early = new Map();
const delays = { same: [], other: [] };
function acknowledge(change, node) {
  acknowledged.set(change, { node, at: performance.now() });
  for (const other of early.get(change) ?? []) delays[node === other ? 'same' : 'other'].push(0);
  early.delete(change);
}
let [told, resets, connects] = [0, 0, 0];
const query = `subscription ($after: Revision) { taskChanges(after: $after) {
  __typename
  ... on TaskUpserted { revision task { id title } }
  ... on TaskDeleted { revision taskId }
  ... on FeedReset { revision }
} }`;

class Follower {
  tasks = new Map();
  after = '0';

  constructor(user, node) {
    this.user = user;
    this.node = node;
    this.connect();
  }

  connect() {
    connects++;
    const socket = new WebSocket(`${nodes[this.node].url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    this.socket = socket;
    const send = (message) => socket.send(JSON.stringify(message));
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: this.user.token } }));
    socket.on('message', (data) => {
      const message = JSON.parse(data);
      if (message.type === 'connection_ack') {
        send({ type: 'subscribe', id: '1', payload: { query, variables: { after: this.after } } });
      } else if (message.type === 'next') {
        assert.ok(!message.payload.errors, JSON.stringify(message.payload));
        this.apply(message.payload.data.taskChanges);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.socket === socket && !this.isOver) setTimeout(() => this.connect(), Math.random() * 500);
    });
  }

  apply(change) {
    told++;
    this.after = change.revision;
    const kind = change.__typename;
    if (kind === 'TaskUpserted') this.tasks.set(change.task.id, change.task.title);
    else if (kind === 'TaskDeleted') this.tasks.delete(change.taskId);
    else resets++;
    const id = `${this.user.user}/${change.revision}`;
    const known = acknowledged.get(id);
    if (known) delays[known.node === this.node ? 'same' : 'other'].push(performance.now() - known.at);
    else if (early.has(id)) early.get(id).push(this.node);
    else early.set(id, [this.node]);
  }
}

const empty = resident();
const followers = users.flatMap((user) => Array.from({ length: SOCKETS }, (_, number) => new Follower(user, number % 2)));
await sleep(5000);
const full = resident();

let [made, failed, isOver] = [0, 0, false];
async function change() {
  const user = users[Math.floor(Math.random() * USERS)];
  const node = Math.floor(Math.random() * 2);
  const dice = Math.random();
  try {
    let answer;
    if (dice < 0.4 || user.ids.length === 0) {
      answer = await call(node, user, 'POST', '/api/tasks', { title: `made ${made}` });
      user.ids.push((await answer.json()).id);
    } else if (dice < 0.85) {
      const id = user.ids[Math.floor(Math.random() * user.ids.length)];
      answer = await call(node, user, 'PUT', `/api/tasks/${id}`, { title: `changed ${made}` });
      await answer.arrayBuffer();
    } else {
      const [id] = user.ids.splice(Math.floor(Math.random() * user.ids.length), 1);
      answer = await call(node, user, 'DELETE', `/api/tasks/${id}`);
    }
    const [revision] = /\d+/.exec(answer.headers.get('etag')) ?? [];
    if (revision) acknowledge(`${user.user}/${revision}`, node);
    made++;
  } catch (error) {
    // One that another has just deleted.
    if (!/40[34]/.test(error.message)) failed++;
  }
}

const begun = performance.now();
const dropping = setInterval(() => {
  for (let drops = followers.length / 20; drops > 0; drops--) {
    followers[Math.floor(Math.random() * followers.length)].socket.terminate();
  }
}, 1000);
const running = new Set();
for (let sent = 0; performance.now() - begun < SECONDS * 1000; await sleep(2)) {
  for (const due = ((performance.now() - begun) / 1000) * RATE; sent < due; sent++) {
    const one = change().finally(() => running.delete(one));
    running.add(one);
  }
}
await Promise.all(running);
clearInterval(dropping);
const seconds = (performance.now() - begun) / 1000;
const busy = resident();

let behind = [];
for (let tries = 0; tries < 30; tries++) {
  await sleep(500);
  behind = [];
  for (const user of users) {
    const list = await (await call(0, user, 'GET', '/api/tasks')).json();
    const expected = JSON.stringify(list.map(({ id, title }) => [`${id}`, title]).sort());
    for (const follower of followers.filter((follower) => follower.user === user)) {
      if (JSON.stringify([...follower.tasks].sort()) !== expected) behind.push(follower);
    }
  }
  if (behind.length === 0) break;
}
const at = (list, part) => list.sort((a, b) => a - b)[Math.floor((list.length - 1) * part)]?.toFixed(1);
const summary = (list) => ({ count: list.length, p50: at(list, 0.5), p99: at(list, 0.99), most: at(list, 1) });
console.log(JSON.stringify({
  sockets: followers.length, seconds: seconds.toFixed(1), changes: made, 'changes/s': (made / seconds).toFixed(0), failed,
  told, resets, connects, behind: behind.length, 'ms, same node': summary(delays.same), 'ms, other node': summary(delays.other),
  'resident KiB, each node': { empty, full, busy },
  'KiB a socket': ((full[0] + full[1] - empty[0] - empty[1]) / followers.length).toFixed(1),
}, null, 1));
assert.equal(behind.length, 0, 'a client does not have the tasks of the server');
process.exit(0);
