// The runner finds what is wrong: each of these texts has to fail, and say where.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { blocks } from './blocks.mjs';
import { runChapter } from './chapter.mjs';
import { brokenLinks } from './links.mjs';
import { match } from './match.mjs';
import { chapter } from './preprocess.mjs';
import { graphqlReference } from './reference/graphql.mjs';
import { restReference } from './reference/rest.mjs';

const folder = mkdtempSync(join(tmpdir(), 'taskgate-book-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));
symlinkSync(fileURLToPath(new URL('../../target/debug/taskgate', import.meta.url)), join(folder, 'taskgate'));

const block = (info, text) => `\`\`\`${info}\n${text}\n\`\`\`\n`;
const dev = `<!-- sh background=8000\ntaskgate dev\n-->\n<!-- sh\nTOKEN=$(taskgate token --sub ann)\n-->\n`;

test('what is shown and true passes, and is counted', async () => {
  const text = dev
    + block('json POST /api/tasks', '{"title": "Buy milk"}')
    + block('json output', '{"id": 1, "title": "Buy milk", …}')
    + block('graphql', 'query ($first: Int) { tasks(first: $first) { nodes { title } } }')
    + block('json variables', '{"first": 1}')
    + block('json output', '{"data": {"tasks": {"nodes": [{"title": "Buy milk"}]}}}')
    + block('graphql', 'subscription { taskChanges(after: "0") { __typename } }')
    + block('json output', '{"data": {"taskChanges": {"__typename": "TaskUpserted"}}}')
    + block('js file=hello.mjs', 'console.log("hello");')
    + block('sh', 'node hello.mjs')
    + block('text output', 'hello')
    + block('yaml norun: because', 'a: 1');
  assert.deepEqual(await runChapter(text, folder), { ran: 5, compared: 4, left: [{ line: 37, reason: 'because' }] });
});

const WRONG = {
  'a command with a typo': [block('sh', 'taskgaet schema'), /line 1: exit status 127/],
  'a flag that is not there': [block('sh', 'taskgate token --sup ann'), /line 1: exit status 2/],
  'a command that fails before the last': [block('sh', 'false\ntrue'), /line 1: exit status 1/],
  'a command in a pipe that fails': [block('sh', 'false | cat'), /line 1: exit status 1/],
  'a command that ends well where it should not': [block('sh status=1', 'true'), /exit status 0, not 1/],
  'an answer that is another': [block('sh', 'echo one') + block('text output', 'two'), /line 4: shown:\n {4}two\nin fact:\n {4}one/],
  'an answer to nothing': [block('text output', 'two'), /line 1: there is nothing before/],
  'a field that is not there': [block('graphql', '{ tasks { nodes { titel } } }'), /line 1: .*titel/],
  'a document that is none': [block('graphql', '{ tasks {'), /line 1: Syntax Error/],
  'a body that is refused': [dev + block('json POST /api/tasks', '{"titel": "x"}'), /line 7: POST \/api\/tasks is answered 422/],
  'a call that is refused': [dev + block('sh', 'curl -sS "http://$LISTEN/api/tasks" -H "Authorization: Bearer $TOKEN-"'), /line 7: exit status 22/],
  'a route that is not there': [dev + block('json POST /api/task', '{"title": "x"}'), /is answered 404/],
  'a script with a typo': [block('js file=a.mjs', 'consle.log(1)') + block('sh', 'node a.mjs'), /line 4: exit status 1/],
  'a file that nothing uses': [block('js file=a.mjs', 'console.log(1)'), /no command uses a\.mjs/],
  'a block that says nothing': [block('json', '{}'), /line 1: nothing says what this `json` is/],
  'a block without a language': [block('', 'x'), /line 1: nothing says/],
  'a block left out without a reason': [block('yaml norun:', 'a: 1'), /line 1: say why/],
  'an unseen answer that is another': [block('sh', 'echo one') + '<!-- text output\ntwo\n-->\n', /line 4: shown:/],
  'a comment that says nothing': ['<!-- Remember\nthis\n-->\n', /line 1: nothing says what this `Remember` is/],
  'an alias for nothing': [`<!-- alias\nshown = $NOTHING\n-->\n`, /line 1: \$NOTHING is empty/],
  'a block without an end': ['```sh\ntrue\n', /line 1: the block has no end/],
};
for (const [name, [text, expected]] of Object.entries(WRONG)) {
  test(`${name} fails`, () => assert.rejects(runChapter(text, folder), expected));
}

test('blocks are found with their words', () => {
  const text = 'text\n\n  ```sh background=8000 status=1\n  run\n    on\n  ```\n<!-- json output\n{}\n-->\n<!-- ANCHOR: x -->\n';
  assert.deepEqual(blocks(text), [
    { line: 3, language: 'sh', words: [], named: { background: '8000', status: '1' }, reason: undefined, text: 'run\n  on', isHidden: false },
    { line: 7, language: 'json', words: ['output'], named: {}, reason: undefined, text: '{}', isHidden: true },
  ]);
});

test('a wildcard stands for what it should, and for no more', () => {
  for (const [shown, actual, isJson] of [
    ['a …\nb', 'a x y\nb', false],
    ['a\n…\nb', 'a\nx\ny\nb', false],
    ['a\n…', 'a\nx\n', false],
    ['a\n…', 'a', false],
    ['{"a": "…", "b": [1, …]}', '{"a":"x y","b":[1,2,{"c":3}]}', true],
    ['{"a": "x  y"}', '{"a":"x  y"}', true],
  ]) match(shown, actual, isJson);
  for (const [shown, actual, isJson] of [
    ['a …', 'a x\nb', false],
    ['a\n…\nb', 'a\nx', false],
    ['a.c', 'abc', false],
    ['{"a": "…"}', '{"b":"x"}', true],
    ['{"a": "x y"}', '{"a":"xy"}', true],
    ['{"a": 1}', '{"a":1,"b":2}', true],
  ]) assert.throws(() => match(shown, actual, isJson), /in fact/, shown);
});

test('links that lead nowhere are found', () => {
  const book = join(folder, 'book');
  mkdirSync(book);
  writeFileSync(join(book, 'a.html'), '<a href="b.html">1</a> <a href="b.html#x">2</a> <a href="#y" id="y">3</a> <a href="https://x">4</a>');
  writeFileSync(join(book, 'b.html'), '<h1 id="x">b</h1>');
  assert.deepEqual(brokenLinks(book), []);
  writeFileSync(join(book, 'c.html'), '<a href="d.html"></a> <a href="b.html#z"></a> <img src="e.png">');
  assert.deepEqual(brokenLinks(book).map((link) => link.split(': ')[1]), ['d.html', 'b.html#z', 'e.png']);
});

test('readers of the book see what is theirs', () => {
  const text = '<!-- sh background=8000\ntaskgate dev\n-->\n\n```json POST /api/tasks\n{}\n```\n```json output\n{}\n```\n'
    + '<!-- made from bench/results.json: rates -->\n[a](docs/errors.md#x) [b](bench/results.md) [c](tour.md) [d](src/lib.rs) [e](nowhere.md)\n';
  const [blocks, ...rest] = chapter(text).split('\n| ');
  assert.equal(blocks, '```json\n{}\n```\n```json output\n{}\n```');
  assert.match(rest.at(-1), /toggle by REST \|.*\n\[a\]\(errors\.md#x\) \[b\]\(sizing\.md\) \[c\]\(tour\.md\) d, `src\/lib\.rs` \[e\]\(nowhere\.md\)\n$/);
  assert.throws(() => chapter('<!-- made from nothing -->'), /nothing is made from nothing/);
});

test('types and routes are described with all that the schema and the document say', () => {
  const graphql = graphqlReference(`
    "The root." type Query { "One." one("Which." id: ID!, first: Int): Thing }
    "A thing." union Thing = A
    "An a." type A { "Its b." b: [B!]! }
    "A b." enum B { "First." X }
    "In." input In @oneOf { "A c." c: C, d: Int }
    "A scalar." scalar C
    directive @oneOf on INPUT_OBJECT`);
  for (const part of [
    '### one {#Query-one}\n\nAnswers [`Thing`](#type-Thing). One.', '| `id` | `ID!` | Which. |', 'One of [`A`](#type-A).',
    '| `b` | [`[B!]!`](#type-B) | Its b. |', '| `X` | First. |', 'In. Exactly one member has to be there.', '### C {#type-C}\n\nA scalar.',
  ]) assert.ok(graphql.includes(part), `${part} in ${graphql}`);

  const rest = restReference({
    info: { description: 'All.' },
    paths: {
      '/a/{id}': {
        put: {
          operationId: 'changeIt',
          summary: 'Change it', description: 'At\nonce.',
          parameters: [{ $ref: '#/components/parameters/Id' }, { name: 'n', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 9 } }],
          requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/A' }, examples: { one: { value: [{ a: 1 }] } } } } },
          responses: { 200: { description: 'It.', content: { 'text/event-stream': {} } }, 404: { description: 'None.' } },
        },
      },
    },
    components: {
      parameters: { Id: { name: 'id', in: 'path', required: true, schema: { type: 'string', maxLength: 5 } } },
      schemas: { A: { description: 'An a.', required: ['a'], properties: { a: { type: ['string', 'null'], description: 'x|y' } } } },
    },
  });
  for (const part of [
    '### PUT /a/{id} {#changeIt}\n\nChange it. At once.', '| `id` | path, required | string, at most 5 characters |  |',
    '| `n` | query | integer, 1 to 9 |  |', 'Body: [A](#body-A), or none', '```json\n[{"a": 1}]\n```', '| 200 | It. | `text/event-stream` |',
    '| 404 | None. |  |', '### A {#body-A}\n\nAn a.\n\n| member | type | there |  |', '| `a` | string or null | always | x\\|y |',
  ]) assert.ok(rest.includes(part), `${part} in ${rest}`);
});
