// Every page on a narrow screen, where nothing may be wider than that. If pictures are asked for, also wide, light and dark.
import assert from 'node:assert/strict';

import { open } from './browser.mjs';

// A name, a path, what is there when it is ready, and what is done then.
const PAGES = [
  ['home', '/', 'main', () => undefined],
  ['graphiql', '/graphiql', '.graphiql-query-editor .view-line', run],
  ['samples', '/graphiql', '.graphiql-query-editor .view-line', (page) => page.getByLabel(/ Samples$/).click()],
  ['rest', '/graphiql#rest=updateTask', '.document', send],
  ['token', '/graphiql#rest=listTasks', '.document', expire],
  ['docs', '/docs', '.opblock', () => undefined],
];

export async function screenshots(_, service, browser) {
  const isAsked = process.env.SCREENSHOTS !== undefined;
  for (const width of isAsked ? [360, 1280] : [360]) {
    for (const colorScheme of isAsked ? ['light', 'dark'] : ['dark']) {
      const page = await open(browser, service.url, { viewport: { width, height: 800 }, colorScheme });
      for (const [name, path, ready, prepare] of PAGES) {
        await page.goto('about:blank');
        await page.goto(service.url + path);
        await page.waitForSelector(ready);
        await prepare(page);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (isAsked) {
          await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: name !== 'docs' });
        }
        assert.ok(wide <= width, `${name} is ${wide} px wide on ${width} px`);
      }
      assert.deepEqual(page.wrong, []);
      await page.context().close();
    }
  }
}

async function run(page) {
  await page.click('button.graphiql-execute-button:enabled');
  await page.waitForFunction(() => document.querySelector('.graphiql-response')?.textContent.includes('data'));
}

async function send(page) {
  await page.getByRole('button', { name: 'Send, and change it' }).click();
  await page.waitForSelector('.answers pre');
}

async function expire(page) {
  await page.locator('.token summary').click();
  await page.getByLabel('The token that calls carry').fill(`e30.${btoa('{"sub":"ann","exp":1}')}.x`);
  await page.waitForSelector('.token.bad');
}
