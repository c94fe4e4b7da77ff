// The story, step by step; each goes on from where the one before left the world.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { LIFETIME, until } from './world.mjs';

const PHONE = { viewport: { width: 360, height: 740 } };

/** A token from Better Auth by the session of a tab. */
async function token({ app }, tab) {
  const answer = await tab.page.context().request.get(`${app}/api/auth/token`);
  return (await answer.json()).token;
}

/** What taskgate itself answers to somebody. */
async function call({ service }, bearer, method, path, body) {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
  const answer = await fetch(`${service.url}${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, body: text && JSON.parse(text) };
}

const titles = async (world) => (await call(world, await token(world, world.first), 'GET', '/api/tasks')).body.map(({ title }) => title);

export const steps = {
  'Ann signs up': async (world) => {
    world.first = await world.tab({ colorScheme: 'light' });
    await world.first.page.goto(world.app);
    await world.first.signUp('Ann');
    await world.first.isLive();
    world.ann = { storageState: await world.first.page.context().storageState() };
  },

  'a tab is left behind: its timers stand still, its sockets stay silent': async (world) => {
    world.asleep = await world.tab(world.ann);
    await world.asleep.page.clock.install();
    await world.asleep.page.routeWebSocket(/graphql/, () => undefined);
    await world.asleep.page.goto(world.app);
    await world.asleep.page.getByText('Nothing to do.').waitFor();
    await world.asleep.page.clock.pauseAt(Date.now() + 5000);
    world.asleepSince = Date.now();
  },

  'she adds tasks': async ({ first }) => {
    await first.add('Buy milk', '2 litres');
    await first.shows('[ ] Buy milk: 2 litres');
    await first.add('  Call Bo ');
    await first.shows('[ ] Call Bo', '[ ] Buy milk: 2 litres');
  },

  'what breaks a rule is refused in words': async (world) => {
    const { first } = world;
    const title = 'x'.repeat(201);
    await first.add(title);
    const { status, body } = await call(world, await token(world, first), 'POST', '/api/tasks', { title });
    assert.equal(status, 422);
    await first.says(body.detail);
    await world.picture(first, 'refused');
    await first.page.reload();
    await first.shows('[ ] Call Bo', '[ ] Buy milk: 2 litres');
  },

  'a second tab, on a phone in the dark, shows the same': async (world) => {
    world.second = await world.tab({ ...PHONE, ...world.ann, colorScheme: 'dark' });
    await world.second.page.goto(world.app);
    await world.second.shows('[ ] Call Bo', '[ ] Buy milk: 2 litres');
    await world.second.isLive();
  },

  'she edits a task; the other tab follows': async ({ first, second }) => {
    const form = await first.edit('Buy milk');
    await form.title.fill('Buy oat milk');
    await form.save();
    for (const tab of [first, second]) await tab.shows('[ ] Call Bo', '[ ] Buy oat milk: 2 litres');
  },

  'she clears a description': async (world) => {
    const { first, second } = world;
    const form = await first.edit('Buy oat milk');
    await form.description.fill('');
    await form.save();
    for (const tab of [first, second]) await tab.shows('[ ] Call Bo', '[ ] Buy oat milk');
    const { body } = await call(world, await token(world, first), 'GET', '/api/tasks');
    assert.equal(body[1].description, null);
  },

  'she toggles a task on the phone': async ({ first, second }) => {
    await second.toggle('Call Bo');
    for (const tab of [first, second]) await tab.shows('[x] Call Bo', '[ ] Buy oat milk');
  },

  'she deletes it, and thinks better of it': async (world) => {
    const { first, second } = world;
    await first.delete('Call Bo');
    for (const tab of [first, second]) await tab.shows('[ ] Buy oat milk');
    await world.picture(first, 'deleted');
    await first.undo();
    for (const tab of [first, second]) await tab.shows('[x] Call Bo', '[ ] Buy oat milk');
  },

  'she edits what has changed meanwhile': async (world) => {
    const { first, second } = world;
    const form = await first.edit('Buy oat milk');
    const other = await second.edit('Buy oat milk');
    await other.title.fill('Buy soy milk');
    await other.save();
    await second.shows('[x] Call Bo', '[ ] Buy soy milk');
    await form.description.fill('the big one');
    await form.save();
    await first.page.getByText('It says now: “Buy soy milk”').waitFor();
    const bearer = await token(world, first);
    const { id } = (await call(world, bearer, 'GET', '/api/tasks')).body[1];
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', 'if-match': '"1"' };
    const refused = await fetch(`${world.service.url}/api/tasks/${id}`, { method: 'PUT', headers, body: '{}' });
    assert.equal(refused.status, 412);
    assert.equal(await form.alert.textContent(), (await refused.json()).detail);
    await world.picture(first, 'conflict');
    await form.save();
    for (const tab of [first, second]) await tab.shows('[x] Call Bo', '[ ] Buy soy milk: the big one');
  },

  'an answer is lost on the way; the task is there once': async (world) => {
    const { page } = world.first;
    let isLost = false;
    world.first.statuses.length = 0;
    await page.route('**/api/tasks', async (route) => {
      if (isLost || route.request().method() !== 'POST') return route.fallback();
      isLost = true;
      assert.equal((await route.fetch()).status(), 201);
      await route.abort('connectionreset');
    });
    await world.first.add('Pay rent');
    await until('it was sent again', () => world.first.statuses.includes(201));
    await page.unroute('**/api/tasks');
    for (const tab of [world.first, world.second]) {
      await tab.shows('[ ] Pay rent', '[x] Call Bo', '[ ] Buy soy milk: the big one');
    }
    assert.deepEqual(await titles(world), ['Pay rent', 'Call Bo', 'Buy soy milk']);
  },

  'taskgate is killed; she goes on': async ({ first, second, service }) => {
    await service.kill();
    for (const tab of [first, second]) await tab.isAway();
    await first.add('Water the plants');
    await second.toggle('Pay rent');
  },

  'another node changes things that no tab sees': async (world) => {
    const { first, second, service } = world;
    const { port } = service;
    service.port = undefined;
    await service.start();
    const bearer = await token(world, first);
    const [, callBo] = (await call(world, bearer, 'GET', '/api/tasks')).body;
    assert.equal((await call(world, bearer, 'DELETE', `/api/tasks/${callBo.id}`)).status, 204);
    assert.equal((await call(world, bearer, 'POST', '/api/tasks', { title: 'Written elsewhere' })).status, 201);
    await service.kill();
    service.port = port;
    const before = ['[ ] Pay rent', '[x] Call Bo', '[ ] Buy soy milk: the big one'];
    for (const tab of [first, second]) assert.deepEqual(await tab.list(), before);
  },

  'taskgate is back; both tabs catch up, and what she did is done once': async (world) => {
    const { first, second, service } = world;
    await service.start();
    for (const tab of [first, second]) {
      await tab.isLive();
      await tab.shows(
        '[ ] Water the plants', '[ ] Written elsewhere', '[x] Pay rent', '[ ] Buy soy milk: the big one',
      );
    }
    await world.picture(first, 'desk');
    await world.picture(second, 'phone');
  },

  'it can be read and used by everybody, light and dark, at 360 px': async (world) => {
    const { first, second } = world;
    for (const tab of [first, second]) await tab.isAccessible();
    await second.edit('Buy soy milk');
    await second.isAccessible();
    await world.picture(second, 'phone-edit');
    await second.page.keyboard.press('Escape');
    await second.page.locator('button:focus', { hasText: 'Edit' }).waitFor();
  },

  'Bob signs up and sees nothing of it': async (world) => {
    const { first } = world;
    const bob = (world.bob = await world.tab());
    await bob.page.goto(world.app);
    await world.picture(bob, 'sign-in');
    await bob.signUp('Bob');
    await bob.isLive();
    await bob.page.getByText('Nothing to do.').waitFor();
    const [{ id }] = (await call(world, await token(world, first), 'GET', '/api/tasks')).body;
    const foreign = await call(world, await token(world, bob), 'GET', `/api/tasks/${id}`);
    assert.deepEqual([foreign.status, foreign.body.code], [403, 'FORBIDDEN']);
    await first.toggle('Written elsewhere');
    await world.second.shows(
      '[ ] Water the plants', '[x] Written elsewhere', '[x] Pay rent', '[ ] Buy soy milk: the big one',
    );
    await bob.add('Bob’s own');
    await bob.shows('[ ] Bob’s own');
    assert.equal((await titles(world)).length, 4);
  },

  'a token of nobody is refused in the words of taskgate': async (world) => {
    const tab = await world.tab({ storageState: await world.bob.page.context().storageState() });
    const forged = (await token(world, tab)).replace(/[^.]+$/, 'A'.repeat(86));
    await tab.page.route('**/api/auth/token', (route) => route.fulfill({ json: { token: forged } }));
    await tab.page.goto(world.app);
    const { status, body } = await call(world, forged, 'GET', '/api/tasks');
    assert.deepEqual([status, body.code], [401, 'UNAUTHENTICATED']);
    await tab.says(body.detail);
    await world.picture(tab, 'wrong-token');
    await tab.page.close();
  },

  'tokens ended; tabs that were awake noticed nothing': async (world) => {
    const { first, second } = world;
    await world.bob.page.context().clearCookies(); // his session is over, for the next step
    await sleep(Math.max(0, world.asleepSince + (LIFETIME + 31) * 1000 - Date.now()));
    for (const { statuses, sockets } of [first, second]) {
      assert.ok(!statuses.includes(401), 'a request met a token that had ended');
      const { opened, closed } = sockets.at(-1);
      assert.equal(closed, Infinity, 'the socket ended with its token');
      assert.ok(Date.now() - opened > LIFETIME * 1000, 'the socket is too young to tell');
    }
  },

  'a session that is over leads back to the form': async ({ bob }) => {
    await bob.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  },

  'the tab that slept sends a change with a token that has ended; it is renewed, the change is made once': async (world) => {
    const { asleep, first } = world;
    assert.ok(!asleep.statuses.includes(401));
    await asleep.add('Dreamt of');
    await first.shows(
      '[ ] Dreamt of', '[ ] Water the plants', '[x] Written elsewhere', '[x] Pay rent', '[ ] Buy soy milk: the big one',
    );
    await until('the tab has its answer', () => asleep.statuses.includes(201));
    assert.deepEqual(asleep.statuses.filter((status) => status > 201), [401]);
    assert.equal((await titles(world)).filter((title) => title === 'Dreamt of').length, 1);
  },

  'every answer is lost; sent once more by hand, it is still one task': async (world) => {
    const { page } = world.asleep;
    await page.route('**/api/tasks', async (route) => {
      if (route.request().method() !== 'POST') return route.fallback();
      await route.fetch();
      await route.abort('connectionreset');
    });
    await world.asleep.add('Nobody answers');
    await until('it has given up', async () => {
      await page.clock.runFor(5000);
      return page.getByText('The server cannot be reached.').isVisible();
    });
    await page.unroute('**/api/tasks');
    await page.getByRole('button', { name: 'Add' }).click();
    await world.asleep.page.getByText('Nobody answers').first().waitFor();
    assert.equal((await titles(world)).filter((title) => title === 'Nobody answers').length, 1);
  },

  'she signs out, and in again': async ({ first }) => {
    await first.page.getByRole('button', { name: 'Sign out' }).click();
    await first.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(await first.page.getByText('Dreamt of').count(), 0);
    await first.signIn('Ann');
    await first.page.getByText('Dreamt of').waitFor();
  },
};
