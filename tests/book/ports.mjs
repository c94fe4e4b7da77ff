// The ports that a chapter shows, and the free ones that it has in fact.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const SHOWN = [8000, 8001, 9000, 3000];

/** Texts that stand for others: ports from the start, and what a chapter adds. */
export class Aliases {
  #pairs = [];

  static async withPorts() {
    const aliases = new Aliases();
    const servers = SHOWN.map(() => createServer().listen(0, '127.0.0.1'));
    await Promise.all(servers.map((server) => once(server, 'listening')));
    servers.forEach((server, at) => aliases.add(`:${SHOWN[at]}`, `:${server.address().port}`));
    await Promise.all(servers.map((server) => once(server.close(), 'close')));
    return aliases;
  }

  add(shown, real) {
    this.#pairs.push([shown, real]);
  }

  real(text) {
    return this.#pairs.reduce((text, [shown, real]) => text.replaceAll(shown, real), text);
  }

  shown(text) {
    return this.#pairs.reduceRight((text, [shown, real]) => text.replaceAll(real, shown), text);
  }
}

/** Waits until somebody answers requests on a port, and does not say that it is not ready. */
export async function answered(port) {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2000) }).catch(() => null);
    if (answer && answer.status !== 503) return;
    await sleep(50);
  }
  throw new Error(`nobody answers on port ${port}`);
}
