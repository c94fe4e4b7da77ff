// Every page, narrow and wide, light and dark. Nothing may be wider than the screen; pictures are kept if they are asked for.
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
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await open(browser, service.url, { viewport: { width, height: 800 }, colorScheme });
      for (const [name, path, ready, prepare] of PAGES) {
        await page.goto('about:blank');
        await page.goto(service.url + path);
        await page.waitForSelector(ready);
        await prepare(page);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (process.env.SCREENSHOTS) {
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
