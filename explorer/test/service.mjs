// A `taskgate dev` in an empty folder that can be stopped and started again on the same port; gone at the end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Service {
  #binary;
  #folder = mkdtempSync(join(tmpdir(), 'taskgate-explorer-'));
  #child;
  #listen = '127.0.0.1:0';

  constructor(binary) {
    this.#binary = binary;
    process.on('exit', () => {
      this.#child?.kill('SIGKILL');
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  async start() {
    const env = { LISTEN: this.#listen, TASKGATE_LOG: 'error' };
    const stdio = ['ignore', 'pipe', 'inherit'];
    this.#child = spawn(this.#binary, ['dev'], { env, stdio, cwd: this.#folder });
    let said = '';
    for await (const chunk of this.#child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      said += chunk;
      if (said.split('\ncurl ').length === 3) break;
    }
    this.url = /http:\/\/[\d.:]+/.exec(said)[0];
    this.token = /^eyJ\S+$/m.exec(said)[0];
    this.#listen = new URL(this.url).host;
  }

  async stop() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  async rest(method, path, body) {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' };
    return fetch(`${this.url}${path}`, { method, headers, body: body && JSON.stringify(body) });
  }
}
