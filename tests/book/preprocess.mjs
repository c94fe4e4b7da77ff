// The preprocessor of docs/book.toml: puts in the chapters that are made from what the program says of itself, and what
// was measured, in place of `<!-- made from … -->`, and takes out what is for the runner of snippets alone.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

import { figures } from './reference/figures.mjs';
import { graphqlReference } from './reference/graphql.mjs';
import { restReference } from './reference/rest.mjs';

const fromRoot = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const measured = () => figures(JSON.parse(fromRoot('bench/results.json')));

const reference = (text) => `<div class="reference">\n\n${text}\n\n</div>`; // book.css knows it

const MADE = {
  'taskgate openapi': () => reference(restReference(JSON.parse(execFileSync('taskgate', ['openapi'], { encoding: 'utf8' })))),
  'schema.graphql': () => reference(graphqlReference(fromRoot('schema.graphql'))),
  'bench/results.json: rates': () => measured().rates,
  'bench/results.json: growth': () => measured().growth,
  'bench/results.json: machine': () => measured().machine,
};

/** Where files of the repository's root are in the book. */
const CHAPTERS = {
  'bench/results.md': 'sizing.md',
  'schema.graphql': 'graphql.md',
  'SECURITY.md': 'security.md',
  'CONTRIBUTING.md': 'contributing.md',
  'ARCHITECTURE.md': 'contributing.md',
};

/** Text that the book shares with README has links of the root; those to what is no chapter become its name. */
function link(whole, text, to) {
  const [path, id] = to.split('#');
  if (!path || /^[a-z]+:/.test(path)) return whole;
  const target = CHAPTERS[path] ?? path.replace(/^docs\//, '');
  if (!target.includes('/') && existsSync(new URL(`../../docs/${target}`, import.meta.url))) {
    return `[${text}](${target}${id ? `#${id}` : ''})`;
  }
  return existsSync(new URL(`../../${path}`, import.meta.url)) ? `${text === path ? '' : `${text}, `}\`${path}\`` : whole;
}

export function chapter(text) {
  return text
    .replace(/<!-- made from (.*?) -->/g, (_, from) => {
      if (!MADE[from]) throw new Error(`nothing is made from ${from}`);
      return MADE[from]();
    })
    .replace(/^<!-- (?!.*-->)[\s\S]*?^-->\n\n?/gm, '')
    .replace(/^( *```[a-z]+(?: output(?= |$))?)(?: .*)?$/gm, '$1') // book.css knows `output`
    .replace(/\[([^\]]*)\]\(([^)]*)\)/g, link);
}

function walk(items) {
  for (const { Chapter: item } of items) {
    if (!item) continue; // a separator or the title of a part
    item.content = chapter(item.content);
    walk(item.sub_items);
  }
}

if (process.argv[2] === 'supports') process.exit(0);
if (process.argv[1].endsWith('preprocess.mjs')) {
  const [, book] = JSON.parse(readFileSync(0, 'utf8'));
  walk(book.items ?? book.sections);
  process.stdout.write(JSON.stringify(book));
}
