// A tab with the app in it, as its user sees and handles it.
import assert from 'node:assert/strict';

import axe from 'axe-core';

import { until } from './world.mjs';

export class Tab {
  /** The statuses of taskgate's answers, and its sockets with the time of their end, in milliseconds. */
  statuses = [];
  sockets = [];

  constructor(page, taskgate) {
    this.page = page;
    page.on('response', (answer) => answer.url().startsWith(taskgate) && this.statuses.push(answer.status()));
    page.on('websocket', (socket) => {
      const seen = { opened: Date.now(), closed: Infinity };
      this.sockets.push(seen);
      socket.on('close', () => (seen.closed = Date.now()));
    });
    page.on('pageerror', (error) => {
      throw error;
    });
  }

  async signUp(name) {
    const { page } = this;
    await page.getByRole('button', { name: 'I am new here' }).click();
    await page.getByLabel('Name').fill(name);
    await this.#credentials(name, 'Sign up');
  }

  async signIn(name) {
    await this.#credentials(name, 'Sign in');
  }

  async #credentials(name, button) {
    const { page } = this;
    await page.getByLabel('E-mail').fill(`${name.toLowerCase()}@example.com`);
    await page.getByLabel('Password').fill(`${name} and a long password`);
    await page.getByRole('button', { name: button, exact: true }).click();
    await page.getByRole('heading', { name: 'Tasks' }).waitFor();
  }

  async add(title, description = '') {
    const form = this.page.getByRole('form', { name: 'New task' });
    await form.getByLabel('New task').fill(title);
    await form.getByLabel('Description').fill(description);
    await form.getByRole('button').click();
  }

  async toggle(title) {
    await this.page.getByRole('checkbox', { name: title }).click();
  }

  async delete(title) {
    await this.page.getByRole('button', { name: `Delete ${title}`, exact: true }).click();
  }

  async undo() {
    await this.page.getByRole('button', { name: 'Undo' }).click();
  }

  /** Opens the form of a task, with what it is now. */
  async edit(title) {
    await this.page.getByRole('button', { name: `Edit ${title}`, exact: true }).click();
    const form = this.page.getByRole('form', { name: `Edit ${title}`, exact: true });
    await form.waitFor();
    return {
      title: form.getByLabel('Title'),
      description: form.getByLabel('Description'),
      save: () => form.getByRole('button', { name: 'Save' }).click(),
      alert: form.getByRole('alert'),
    };
  }

  /** What the list shows, each task as `[x] title: description`, newest first. */
  list() {
    return this.page.getByRole('list', { name: 'Tasks' }).getByRole('listitem').evaluateAll((items) =>
      items.map((item) => {
        const [box, description] = [item.querySelector('input'), item.querySelector('.description')];
        const title = item.querySelector('.task')?.textContent;
        return `[${box?.checked ? 'x' : ' '}] ${title}${description ? `: ${description.textContent}` : ''}`;
      }),
    );
  }

  async shows(...tasks) {
    let seen;
    const isSo = async () => JSON.stringify((seen = await this.list())) === JSON.stringify(tasks);
    await until('the list', isSo).catch(() => assert.deepEqual(seen, tasks));
  }

  async says(sentence, where = this.page) {
    const alerts = () => where.getByRole('alert').allTextContents();
    await until(sentence, async () => (await alerts()).includes(sentence)).catch(async () =>
      assert.deepEqual(await alerts(), [sentence]),
    );
  }

  async isLive() {
    await this.page.getByText('Live', { exact: true }).waitFor();
  }

  async isAway() {
    await this.page.getByText('Offline').waitFor();
  }

  /** Nothing that axe calls a fault, nothing cut off or wider than the screen. */
  async isAccessible() {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
    const [width, most] = await this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(width <= most, `the page is ${width} px wide on a screen of ${most}`);
  }
}
