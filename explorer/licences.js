// Whose code a build has in it, as text: the packages, their licences, and what else those carry.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

// What style sheets have inside, beside code.
const FONTS = `Codicons (in monaco-editor): Copyright (c) Microsoft Corporation, CC-BY-4.0,
https://creativecommons.org/licenses/by/4.0/
`;

// Collects packages in builds of the page and of its workers, and writes the list beside the page.
export function licences() {
  const packages = new Map();
  const collect = {
    name: 'licences:collect',
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) Object.keys(file.modules ?? {}).forEach((id) => add(packages, id));
    },
  };
  const write = {
    name: 'licences:write',
    generateBundle() {
      const texts = [...packages.values()].sort((a, b) => a.name.localeCompare(b.name)).map(describe);
      const head = 'The explorer of taskgate has code of these packages in it.\n';
      this.emitFile({ type: 'asset', fileName: 'assets/NOTICE.txt', source: [head, ...texts, FONTS].join(RULE) });
    },
  };
  return { collect, write };
}

const RULE = `\n${'-'.repeat(80)}\n\n`;

function add(packages, id) {
  const [, folder] = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id) ?? [];
  if (!folder || packages.has(folder)) return;
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  packages.set(folder, { folder, name, version, license });
}

function describe({ folder, name, version, license }) {
  if (!license) throw new Error(`${name} does not say what its licence is`);
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const texts = files.map((file) => join(folder, file)).filter(existsSync).map((file) => readFileSync(file, 'utf8').trim());
  return `${name} ${version}, ${license}\n\n${texts.join('\n\n')}\n`;
}
