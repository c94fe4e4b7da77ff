// A `taskgate serve` that can be killed and started again on the same database and port: in an empty folder, which is
// gone at the end.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export class Service {
  #binary;
  #folder = mkdtempSync(join(tmpdir(), 'taskgate-clients-'));
  #settings;
  #child;

  constructor(binary, settings = { BETTER_AUTH_SECRET: 'a secret of thirty-two bytes, no more' }) {
    this.#binary = binary;
    this.#settings = settings;
    process.on('exit', () => {
      this.#child?.kill('SIGKILL');
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  get #environment() {
    return {
      DATABASE_URL: `sqlite://${join(this.#folder, 'tasks.db')}`,
      LISTEN: `127.0.0.1:${this.port}`,
      TASKGATE_RATE_LIMIT: 'off',
      TASKGATE_LOG: 'error',
      ...this.#settings,
    };
  }

  // Starts it on a port that is free, and then on the same again, unless `port` says another.
  async start() {
    this.port ??= await freePort();
    this.#child = spawn(this.#binary, ['serve'], { env: this.#environment, stdio: ['ignore', 'ignore', 'inherit'] });
    for (let tries = 0; tries < 600; tries++) {
      if (this.#child.exitCode !== null) throw new Error(`the service ended with status ${this.#child.exitCode}`);
      const ready = await fetch(`${this.url}/readyz`).catch(() => null);
      if (ready?.ok) return;
      await sleep(50);
    }
    throw new Error('the service is not ready');
  }

  // As if the power had gone.
  async kill() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  // As a machine stops it; answers its exit status.
  async stop() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    return (await ended)[0];
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  token(user) {
    const environment = { env: this.#environment, encoding: 'utf8' };
    return execFileSync(this.#binary, ['token', '--sub', user], environment).trim();
  }

  // Calls a REST route as a user; answers undefined when nobody answers.
  async rest(token, method, path, body) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${this.url}${path}`, { method, headers, body: body && JSON.stringify(body) }).catch(() => null);
    return answer?.ok ? await answer.json().catch(() => undefined) : undefined;
  }

  // Makes one task after the other while the service is killed twice and stopped once, and comes back each time; answers
  // the titles of all tasks that there are then, but for those of `before`. None that was acknowledged is gone.
  async writeThroughEnds(token, before) {
    const acknowledged = [];
    let isWriting = true;
    const write = async () => {
      for (let number = 0; isWriting; number++) {
        const task = await this.rest(token, 'POST', '/api/tasks', { title: `task ${number}` });
        if (task) acknowledged.push(task.title);
        await sleep(5);
      }
    };
    const writing = write();
    for (const end of ['kill', 'kill', 'stop']) {
      await sleep(700);
      const status = await this[end]();
      if (end === 'stop') assert.equal(status, 0);
      await sleep(300);
      await this.start();
    }
    await sleep(700);
    isWriting = false;
    await writing;

    const all = (await this.rest(token, 'GET', '/api/tasks')).map(({ title }) => title);
    const titles = all.filter((title) => !before.includes(title));
    assert.ok(acknowledged.every((title) => titles.includes(title)), 'an acknowledged task is gone');
    return titles;
  }
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
