// What somebody does with the pages. Each gets a page and the service.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const RUN = 'button.graphiql-execute-button';
const RESPONSE = '.graphiql-response';

// The answer in the editor, once `text` can be seen of it. The editor writes spaces that do not break.
async function answered(page, text) {
  const has = ([selector, text]) => document.querySelector(selector)?.textContent.replaceAll('\u00a0', ' ').includes(text);
  await page.waitForFunction(has, [RESPONSE, text]);
}

// The editor, with something in it that can be run and a place for the answer.
async function ready(page) {
  await page.waitForSelector('.graphiql-query-editor .view-line');
  await page.waitForSelector(`${RESPONSE} .monaco-editor`);
  await page.waitForSelector(`${RUN}:enabled`);
}

// What the editor loads only when it needs it has come: its three workers, and what they ask for.
async function settled(page) {
  for (let tries = 0; tries < 50 && page.workers().length < 3; tries++) await sleep(200);
  assert.equal(page.workers().length, 3);
  await page.waitForLoadState('networkidle');
}

async function sample(page, title) {
  if (!(await page.locator('.samples').isVisible())) await page.getByLabel('Show Samples').click();
  await page.getByRole('button', { name: title, exact: true }).click();
  const first = title === 'Follow what changes' ? 'subscription' : '';
  await page.waitForFunction((first) => document.querySelector('.graphiql-query-editor').textContent.includes(first), first);
  // The editor looks a moment later at what kind of operation it has.
  await sleep(700);
}

export async function the_first_page_says_where_everything_is(page, service) {
  await page.goto(service.url);
  assert.match(await page.textContent('main'), /The database can be reached/);
  const links = await page.locator('main a').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  assert.ok(links.includes('/graphiql') && links.includes('/docs') && links.includes('/readyz'), `${links}`);
  for (const link of links) assert.notEqual((await fetch(service.url + link)).status, 404, link);
  assert.equal(await page.locator('script').count(), 0);
}

export async function a_query_runs_as_soon_as_the_page_is_there(page, service) {
  await service.rest('POST', '/api/tasks', { title: 'Water the plants' });
  await page.goto(`${service.url}/graphiql`);
  await ready(page);
  console.log(`   interactive after ${Math.round(await page.evaluate(() => performance.now()))} ms`);
  await page.click(RUN);
  await answered(page, 'Water the plants');
  // By the keyboard too, and it is remembered.
  await page.locator('.graphiql-query-editor .monaco-editor').first().click();
  await page.keyboard.press('Control+Enter');
  await answered(page, 'Water the plants');
  await page.getByLabel('Show History').click();
  await page.waitForSelector('.graphiql-history-item');
}

export async function the_schema_is_at_hand(page, service) {
  await page.goto(`${service.url}/graphiql`);
  await page.getByLabel('Show Documentation Explorer').click();
  await page.waitForFunction(() => document.querySelector('.graphiql-plugin')?.textContent.includes('Subscription'));
}

export async function a_sample_is_a_mutation_that_runs(page, service) {
  await page.goto(`${service.url}/graphiql`);
  await ready(page);
  await sample(page, 'Make a task');
  await page.waitForFunction(() => document.querySelector('.graphiql-editor-tool')?.textContent.includes('2'));
  await page.click(RUN);
  await answered(page, '"title": "Buy milk"');
}

export async function a_subscription_is_live_and_survives_a_restart(page, service) {
  page.expected = /WebSocket|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET/;
  await page.goto(`${service.url}/graphiql`);
  await ready(page);
  await sample(page, 'Follow what changes');
  const subscribed = new Promise((found) => {
    page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => `${payload}`.includes('"subscribe"') && found()));
  });
  await page.click(RUN);
  await Promise.race([subscribed, sleep(15_000).then(() => assert.fail('no subscription was sent'))]);
  // What is made before the service has read that is no news.
  await sleep(200);
  await service.rest('POST', '/api/tasks', { title: 'Told as it happens' });
  await answered(page, 'Told as it happens');
  await settled(page);
  await service.stop();
  await service.start();
  await service.rest('POST', '/api/tasks', { title: 'Made meanwhile' });
  await answered(page, 'Made meanwhile');
  await page.click(RUN);
}

export async function rest_is_beside_graphql(page, service) {
  await page.goto(`${service.url}/graphiql#rest`);
  await page.getByLabel('Call', { exact: true }).selectOption('createTask');
  await page.waitForFunction(() => document.querySelector('.document')?.textContent.startsWith('mutation CreateTask'));
  await page.getByLabel('body').fill('{"title": "By REST"}');
  await page.waitForFunction(() => document.querySelector('.variables')?.textContent.includes('By REST'));
  await page.getByRole('button', { name: 'Send, and change it' }).click();
  const [rest, graphql] = [page.getByLabel("REST's answer"), page.getByLabel("GraphQL's answer")];
  await rest.getByText('201').waitFor();
  assert.match(await rest.textContent(), /"title": "By REST"/);
  assert.match(await graphql.textContent(), /"createTask": \{\s+"task": \{[^}]+"title": "By REST"/);
  // It was made once.
  const made = await (await service.rest('GET', '/api/tasks?search=By%20REST')).json();
  assert.equal(made.length, 1);
  // What is refused runs nothing, and says so.
  await page.getByLabel('body').fill('{"title": 1}');
  await page.getByText('Nothing: REST refuses the call as it is.').waitFor();
  await page.getByLabel('body').fill('{"title": "In the editor"}');
  await page.waitForFunction(() => document.querySelector('.variables')?.textContent.includes('In the editor'));
  await page.getByRole('button', { name: 'Open in GraphiQL' }).click();
  await page.waitForFunction(() => document.querySelector('.graphiql-query-editor')?.textContent.includes('mutation'));
}

export async function an_answer_leads_to_the_view_of_its_call(page, service) {
  const answer = await service.rest('GET', '/api/tasks?status=pending&search=a%20b%2Fc&limit=1');
  const [, link] = /<([^>]+)>; rel="describedby"/.exec(answer.headers.get('link'));
  await page.goto(service.url + link);
  await page.waitForFunction(() => document.querySelector('.variables')?.textContent.includes('a b/c'));
  assert.equal(await page.getByLabel(/^status/).inputValue(), 'pending');
  const variables = JSON.parse(await page.textContent('.variables'));
  assert.deepEqual([variables.filter.status, variables.first], ['PENDING', 1]);
  await page.goto(`${service.url}/graphiql#rest=GET%20/api/nothing`);
  await page.getByText('The link leads to no call').waitFor();
}

export async function events_come_on_both_doors(page, service) {
  await page.goto(`${service.url}/graphiql#rest=followChanges`);
  await page.waitForSelector('.document');
  await page.getByRole('button', { name: 'Follow', exact: true }).click();
  await page.getByRole('button', { name: 'Stop', exact: true }).waitFor();
  const [rest, graphql] = [page.getByLabel("REST's answer"), page.getByLabel("GraphQL's answer")];
  for (let tries = 0; tries < 20 && !/Followed/.test(await graphql.textContent()); tries++) {
    await service.rest('POST', '/api/tasks', { title: 'Followed' });
    await sleep(200);
  }
  assert.match(await rest.textContent(), /event: upserted[^]+"title":"Followed"/);
  assert.match(await graphql.textContent(), /"title": "Followed"/);
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
}

const jwt = (claims) => ['{"alg":"HS256"}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.');

export async function a_token_says_what_it_is(page, service) {
  page.expected = /401/;
  await page.goto(`${service.url}/graphiql#rest=listTasks`);
  const summary = page.locator('.token summary');
  const field = page.getByLabel('The token that calls carry');
  await page.waitForFunction(() => /dev, ends in 2\d:/.test(document.querySelector('.token summary').textContent));
  await summary.click();
  assert.equal(await field.inputValue(), service.token);
  const now = Math.floor(Date.now() / 1000);
  for (const [text, state, told] of [
    ['no token at all', 'bad', /This is no JWT/],
    [jwt({ sub: 'ann' }), 'bad', /takes only tokens that end/],
    [jwt({ sub: 'ann', exp: now + 100 }), 'soon', /about to end/],
    [`Bearer ${jwt({ sub: 'ann', exp: now - 100 })}`, 'bad', /expired at/],
  ]) {
    await field.fill(text);
    await page.waitForSelector(`.token.${state}`);
    assert.match(await page.textContent('.token [role=status]'), told);
  }
  // The service refuses it in its own words, and the token of this server is a click away. It outlives a reload.
  await page.reload();
  await page.waitForSelector('.token.bad[open]');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByLabel("REST's answer").getByText('401').waitFor();
  assert.match(await page.getByLabel("GraphQL's answer").textContent(), /refused before/);
  await page.getByRole('button', { name: 'Use the token of this server' }).click();
  await page.waitForSelector('.token.good');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByLabel("REST's answer").getByText('200').waitFor();
}

export async function an_expired_token_is_told_in_the_editor(page, service) {
  page.expected = /401/;
  await page.goto(`${service.url}/graphiql`);
  await page.evaluate((text) => sessionStorage.setItem('taskgate:token', text), jwt({ sub: 'ann', exp: 1 }));
  await page.reload();
  await page.getByText('This token expired at').waitFor();
  await ready(page);
  await page.click(RUN);
  await answered(page, 'UNAUTHENTICATED');
}

export async function a_service_that_is_gone_is_told_and_found_again(page, service) {
  page.expected = /ERR_CONNECTION_REFUSED/;
  await page.goto(`${service.url}/graphiql`);
  await ready(page);
  await settled(page);
  await service.stop();
  await page.click(RUN);
  await answered(page, 'The service does not answer.');
  await page.locator('.away').waitFor();
  await service.start();
  await page.locator('.away').waitFor({ state: 'detached' });
  await page.click(RUN);
  await answered(page, 'totalCount');
}

export async function the_keyboard_reaches_everything(page, service) {
  await page.goto(`${service.url}/graphiql#rest=getTask`);
  await page.waitForSelector('.document');
  const reached = new Set();
  for (let presses = 0; presses < 25; presses++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.textContent.slice(0, 9) || document.activeElement.id));
  }
  for (const name of ['taskgate', 'GraphQL', 'REST besi', 'Token: de', 'Send', 'Open in G']) assert.ok(reached.has(name), `${name}: ${[...reached]}`);
}

export async function swagger_ui_carries_a_token(page, service) {
  await page.goto(`${service.url}/docs`);
  await page.getByRole('button', { name: 'Authorize' }).click();
  await page.getByText('Authorized').first().waitFor();
  // One's own in its place.
  await page.getByRole('button', { name: 'Remove authorization' }).click();
  await page.locator('.auth-container input').fill('a.b.c');
  await page.getByRole('button', { name: 'Apply credentials' }).click();
  await page.getByText('Authorized').first().waitFor();
}
