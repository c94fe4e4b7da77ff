// Pages that have to do without something.
import assert from 'node:assert/strict';

export async function without_scripts_there_is_a_way_on(page, service) {
  for (const [path, told] of [['/graphiql', /needs JavaScript/], ['/docs', /needs JavaScript/], ['/', /can be reached/]]) {
    await page.goto(service.url + path);
    assert.match(await page.locator('body').innerText(), told, path);
  }
}
without_scripts_there_is_a_way_on.options = { javaScriptEnabled: false };

// As a browser that does not know modules: their script is not run.
export async function without_modules_the_page_says_so(page, service) {
  await page.route('**/*.js', (route) => route.fulfill({ body: '', contentType: 'text/javascript' }));
  await page.goto(`${service.url}/graphiql`);
  await page.getByText('does not run JavaScript modules').waitFor({ state: 'visible' });
  await page.getByRole('link', { name: 'the schema' }).first().waitFor();
}
