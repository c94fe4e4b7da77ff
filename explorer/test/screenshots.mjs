// Every page, narrow and wide, light and dark. Nothing may be wider than the screen; pictures are kept if they are asked for.
import assert from 'node:assert/strict';

import { open } from './browser.mjs';

const PAGES = [
  ['home', '/', 'main'],
  ['graphiql', '/graphiql', '.graphiql-query-editor .view-line'],
  ['rest', '/graphiql#rest=updateTask', '.document'],
  ['docs', '/docs', '.opblock'],
];

export async function screenshots(_, service, browser) {
  for (const width of [360, 1280]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await open(browser, service.url, { viewport: { width, height: 800 }, colorScheme });
      for (const [name, path, ready] of PAGES) {
        await page.goto(service.url + path);
        await page.waitForSelector(ready);
        if (name === 'graphiql') {
          await page.click('button.graphiql-execute-button:enabled');
          await page.waitForFunction(() => document.querySelector('.graphiql-response')?.textContent.includes('data'));
        }
        if (name === 'rest') {
          await page.getByRole('button', { name: 'Send, and change it' }).click();
          await page.waitForSelector('.answers pre');
        }
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
