// Links of the built book that lead nowhere, and chapters that are in no list: node links.mjs FOLDER, in the root.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The pages of a folder, and what they refer to, as `page: link`. */
export function brokenLinks(folder) {
  const pages = readdirSync(folder).filter((name) => name.endsWith('.html') && name !== 'print.html' && name !== '404.html');
  const texts = new Map(pages.map((page) => [join(folder, page), readFileSync(join(folder, page), 'utf8')]));
  const hasAnchor = (file, id) => (texts.get(file) ?? readFileSync(file, 'utf8')).includes(`id="${decodeURIComponent(id)}"`);
  return [...texts].flatMap(([file, text]) =>
    [...text.matchAll(/<(?:a|img|link|script)\b[^>]*?\b(?:href|src)="([^"]*)"/g)]
      .map(([, link]) => link)
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [path, id] = link.split('#');
        const target = path ? join(dirname(file), path) : file;
        return !existsSync(target) || (id && target.endsWith('.html') && !hasAnchor(target, id));
      })
      .map((link) => `${file}: ${link}`));
}

if (process.argv[1].endsWith('links.mjs')) {
  const unlisted = readdirSync('docs').filter((name) => name.endsWith('.md') && name !== 'SUMMARY.md')
    .filter((name) => !existsSync(join(process.argv[2], name.replace(/md$/, 'html'))));
  unlisted.forEach((name) => console.error(`docs/${name} is not in docs/SUMMARY.md`));
  const broken = brokenLinks(process.argv[2]);
  broken.forEach((link) => console.error(`${link} leads nowhere`));
  process.exit(broken.length + unlisted.length > 0 ? 1 : 0);
}
