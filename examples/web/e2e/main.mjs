// The app, taskgate and Better Auth together, as people use them: node e2e/main.mjs BINARY [FOLDER FOR SCREENSHOTS]
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { steps } from './steps.mjs';
import { Tab } from './tab.mjs';
import { start } from './world.mjs';

const [binary, folder] = process.argv.slice(2);
const began = Date.now();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1)); // ends what was started
const world = await start(binary);
const tabs = [];

/** A tab on a device of its own. */
world.tab = async (settings) => {
  const context = await world.browser.newContext(settings);
  const tab = new Tab(await context.newPage(), world.service.url);
  tab.page.setDefaultTimeout(20_000);
  tabs.push(tab);
  return tab;
};
world.picture = async (tab, name) => folder && tab.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;
console.log(`   built and started  ${seconds(began)}`);
let number = 0;
for (const [name, run] of Object.entries(steps)) {
  const since = Date.now();
  try {
    await run(world);
  } catch (error) {
    const pictures = mkdtempSync(join(tmpdir(), 'taskgate-web-failed-'));
    for (const [n, { page }] of tabs.entries()) {
      await page.screenshot({ path: join(pictures, `tab-${n}.png`) }).catch(() => undefined);
    }
    console.error(`"${name}" failed; what the tabs showed is in ${pictures}`);
    console.error(error);
    process.exit(1);
  }
  console.log(`${String(++number).padStart(2)} ${name}  ${seconds(since)}`);
}
await world.browser.close();
console.log(`${number} steps in ${seconds(began)}`);
process.exit(0);
