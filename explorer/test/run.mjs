// The pages of a program in a browser: run.mjs BINARY [NAME-OF-A-CASE]. With SCREENSHOTS=<folder>, pictures of them too.
import assert from 'node:assert/strict';

import { launch, open } from './browser.mjs';
import * as cases from './cases.mjs';
import { screenshots } from './screenshots.mjs';
import { Service } from './service.mjs';
import * as without from './without.mjs';

const [binary, only = ''] = process.argv.slice(2);
const service = new Service(new URL(binary, `file://${process.cwd()}/`).pathname);
await service.start();
const browser = await launch();
const begun = Date.now();
let failed = 0;
for (const [name, run] of Object.entries({ ...cases, ...without, screenshots }).filter(([name]) => name.includes(only))) {
  const page = await open(browser, service.url, run.options);
  try {
    await run(page, service, browser);
    assert.deepEqual(page.wrong, []);
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${error.stack}\n${page.wrong.join('\n')}`);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/failed-${name}.png` });
  }
  await page.context().close();
}
await browser.close();
console.log(`${failed} failed, ${Math.round((Date.now() - begun) / 1000)} s`);
process.exit(failed > 0 ? 1 : 0);
