// A `taskgate serve` that can be killed and started again on the same database and port: in an empty folder, which is
// gone at the end.
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
  #environment;
  #child;

  constructor(binary) {
    this.#binary = binary;
    process.on('exit', () => {
      this.#child?.kill('SIGKILL');
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  // Starts it on a port that is free, and then on the same again.
  async start() {
    this.port ??= await freePort();
    this.#environment ??= {
      BETTER_AUTH_SECRET: 'a secret of thirty-two bytes, no more',
      DATABASE_URL: `sqlite://${join(this.#folder, 'tasks.db')}`,
      LISTEN: `127.0.0.1:${this.port}`,
      TASKGATE_RATE_LIMIT: 'off',
      TASKGATE_LOG: 'error',
    };
    this.#child = spawn(this.#binary, ['serve'], { env: this.#environment, stdio: ['ignore', 'ignore', 'inherit'] });
    for (let tries = 0; tries < 200; tries++) {
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
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
