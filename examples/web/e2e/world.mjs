// What the run needs: Better Auth and the built app at one address, taskgate at another, and a browser.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';
import { build } from 'vite';

import { freePort, Service } from '../../../tests/clients/service.mjs';

const example = fileURLToPath(new URL('..', import.meta.url));

/** For how many seconds a token is good. taskgate's leeway of 30 s comes on top for requests, not for sockets. */
export const LIFETIME = 12;

export async function start(binary) {
  const folder = mkdtempSync(join(tmpdir(), 'taskgate-web-'));
  const [appPort, port] = [await freePort(), await freePort()];
  const app = `http://localhost:${appPort}`;
  process.env.VITE_TASKGATE_URL = `http://127.0.0.1:${port}`;
  await build({ root: example, logLevel: 'warn', build: { outDir: join(folder, 'dist'), emptyOutDir: true } });

  // `build` says that this is production, where Better Auth refuses who signs up as fast as this run does.
  delete process.env.NODE_ENV;
  const environment = { ...process.env, APP_URL: app, PORT: appPort, TOKEN_LIFETIME: `${LIFETIME}s` };
  const server = spawn(process.execPath, [join(example, 'server/main.mjs')], {
    cwd: folder, // where its database and the built app are
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  process.on('exit', () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  await until('the app answers', () => fetch(`${app}/api/auth/ok`).then(({ ok }) => ok, () => false));

  const service = new Service(binary, {
    JWKS_URL: `${app}/api/auth/jwks`,
    JWT_ISSUER: app,
    JWT_AUDIENCE: 'taskgate',
    CORS_ORIGINS: app,
  });
  service.port = port;
  await service.start();
  return { app, service, browser: await launch() };
}

function launch() {
  // Nothing of the browser's own goes out to the network. Root has no sandbox.
  const quiet = ['--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    chromiumSandbox: process.getuid() !== 0,
    args: [...quiet, '--disable-gpu', '--no-first-run'],
  });
}

/** Waits until something is so, twenty seconds at most; answers what it gave. */
export async function until(what, isSo) {
  for (const end = Date.now() + 20_000; ; await sleep(50)) {
    const found = await isSo();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not so after twenty seconds: ${what}`);
  }
}
