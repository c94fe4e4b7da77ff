// Debian's Chromium, which reaches nothing but one origin, and pages that report what goes wrong in them.
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

export const launch = () => chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: FLAGS });

// A page in a profile of its own. `wrong` collects what it must not do; what it is expected to complain of is left out.
export async function open(browser, origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.wrong = [];
  page.expected = /^$/;
  const report = (text) => page.expected.test(text) || page.wrong.push(text);
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && report(message.text()));
  page.on('pageerror', (error) => report(`${error}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith('data:')) report(`asked for ${request.url()}`);
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  page.setDefaultTimeout(15_000);
  return page;
}
