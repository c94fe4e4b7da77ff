// Runs what README and the book show, each chapter in a folder of its own: node run.mjs TASKGATE [FILE ...]
// Prints what was not run, with the reason. How blocks say what they are is in README.md beside this.
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runChapter } from './chapter.mjs';

const [taskgate, ...only] = process.argv.slice(2);
const root = fileURLToPath(new URL('../..', import.meta.url));
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'SUMMARY.md');
const all = [join(root, 'README.md'), ...docs.map((name) => join(root, 'docs', name))];
const files = only.length > 0 ? only.map((name) => resolve(name)) : all;

// What a reader builds, the chapters have at once: `cargo run --release -- X` is `taskgate X`.
const programs = mkdtempSync(join(tmpdir(), 'taskgate-book-programs-'));
process.on('exit', () => rmSync(programs, { recursive: true, force: true }));
symlinkSync(resolve(taskgate), join(programs, 'taskgate'));
const cargo = '#!/bin/sh\n[ "$1 $2 $3" = "run --release --" ] || { echo "cargo $*: not here" >&2; exit 1; }\nshift 3\nexec taskgate "$@"\n';
writeFileSync(join(programs, 'cargo'), cargo);
chmodSync(join(programs, 'cargo'), 0o755);

let [ran, compared, failed] = [0, 0, 0];
const left = [];
for (const file of files) {
  const name = relative(root, file);
  try {
    const report = await runChapter(readFileSync(file, 'utf8'), programs);
    ran += report.ran;
    compared += report.compared;
    left.push(...report.left.map(({ line, reason }) => `  ${name}:${line}: ${reason}`));
  } catch (error) {
    failed++;
    console.error(`${name}, ${error.message}`);
  }
}
console.log(`${files.length} files: ${ran} blocks ran, ${compared} answers compared, ${left.length} left out:`);
left.forEach((line) => console.log(line));
process.exit(failed > 0 ? 1 : 0);
