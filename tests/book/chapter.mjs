// A chapter, run: its blocks in their order, in one shell and one empty folder.
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { buildSchema, parse, validate } from 'graphql';

import { blocks } from './blocks.mjs';
import { match } from './match.mjs';
import { Aliases, answered } from './ports.mjs';
import { Shell } from './shell.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const schema = buildSchema(readFileSync(join(here, '../../schema.graphql'), 'utf8'));

/**
 * Runs the blocks of a Markdown text. Answers how many ran, how many answers were compared, and those that were left out:
 * `{ ran, compared, left: [{ line, reason }] }`. Throws an error that begins with the line of the block that failed.
 */
export async function runChapter(markdown, programs) {
  const chapter = await Chapter.begin(programs);
  try {
    const all = blocks(markdown);
    for (const [at, block] of all.entries()) {
      await chapter.run(block, all[at + 1]).catch((error) => {
        const complaints = chapter.shell.complaints();
        throw new Error(`line ${block.line}: ${error.message}${complaints && `\nbeside it:\n${complaints}`}`);
      });
    }
    return chapter.report();
  } finally {
    chapter.end();
  }
}

class Chapter {
  #scratch = mkdtempSync(join(tmpdir(), 'taskgate-book-'));
  #folder = join(this.#scratch, 'chapter');
  #left = [];
  #files = new Map();
  #counts = { ran: 0, compared: 0 };

  static async begin(programs) {
    const chapter = new Chapter();
    const aliases = await Aliases.withPorts();
    mkdirSync(chapter.#folder);
    symlinkSync(join(here, 'node_modules'), join(chapter.#scratch, 'node_modules'));
    const env = {
      PATH: `${programs}:${process.env.PATH}`,
      HOME: chapter.#scratch,
      LISTEN: aliases.real('127.0.0.1:8000'),
      TASKGATE_LOG: 'warn',
      TASKGATE_TEST_POSTGRES_URL: process.env.TASKGATE_TEST_POSTGRES_URL,
    };
    // Better Auth asks for a global that Debian's Node has under a flag.
    if (!globalThis.crypto) env.NODE_OPTIONS = '--experimental-global-webcrypto';
    chapter.aliases = aliases;
    chapter.shell = new Shell(chapter.#folder, chapter.#scratch, env);
    return chapter;
  }

  async run(block, next) {
    const { language, words, named, reason, isHidden } = block;
    if (reason !== undefined) {
      if (!reason) throw new Error('say why this is not run');
      this.#left.push({ line: block.line, reason });
      return;
    }
    const text = this.aliases.real(block.text);
    if (words.includes('output')) return this.#compare(block);
    if (words.includes('variables')) return; // read with the operation before
    if (named.file) this.#write(named.file, text);
    else if (language === 'sh') await this.#command(text, words, named);
    else if (language === 'alias') await this.#alias(text);
    else if (language === 'graphql') await this.#operation(text, next, words);
    else if (/^[A-Z]+$/.test(words[0])) await this.#request(words, named, text);
    else throw new Error(`nothing says what this \`${language}\` is: see tests/book/README.md`);
    if (!isHidden) this.#counts.ran++;
  }

  report() {
    const unused = [...this.#files].filter(([, isUsed]) => !isUsed).map(([file]) => file);
    if (unused.length > 0) throw new Error(`no command uses ${unused.join(', ')}`);
    return { ...this.#counts, left: this.#left };
  }

  end() {
    this.shell.end();
    rmSync(this.#scratch, { recursive: true, force: true, maxRetries: 5 });
  }

  /** A file is what all blocks that name it hold, in their order. */
  #write(file, text) {
    this.#use(text);
    appendFileSync(join(this.#folder, file), `${text}\n`);
    if (!this.#files.has(file)) this.#files.set(file, false);
  }

  /** Files that a text names are not there for nothing. */
  #use(text) {
    for (const file of this.#files.keys()) if (text.includes(file)) this.#files.set(file, true);
  }

  async #command(text, words, { background, status }) {
    this.#use(text);
    if (background === undefined && !words.includes('background')) {
      this.last = await this.shell.run(text, Number(status ?? 0));
      return;
    }
    this.last = await this.shell.start(text);
    if (background === undefined) return;
    const port = Number(this.aliases.real(`:${background}`).slice(1));
    await answered(port);
  }

  async #alias(text) {
    for (const line of text.split('\n')) {
      const [shown, real] = line.split(' = ');
      const value = await this.shell.expand(real);
      if (!value) throw new Error(`${real} is empty`);
      this.aliases.add(shown, value);
    }
  }

  async #fetch(path, method, body, accept) {
    const headers = { authorization: `Bearer ${await this.shell.expand('$TOKEN')}`, 'content-type': 'application/json' };
    if (accept) headers.accept = accept;
    return fetch(this.aliases.real(`http://127.0.0.1:8000${path}`), { method, headers, body, signal: AbortSignal.timeout(30_000) });
  }

  /** `json POST /api/tasks status=422`: the body of a request. */
  async #request([method, path], { status }, body) {
    const answer = await this.#fetch(path, method, body);
    const text = await answer.text();
    const isExpected = status ? answer.status === Number(status) : answer.ok;
    if (!isExpected) throw new Error(`${method} ${path} is answered ${answer.status}: ${text}`);
    this.last = { output: () => text };
  }

  async #operation(query, next, words) {
    const document = parse(query);
    const errors = validate(schema, document);
    if (errors.length > 0) throw new Error(errors.join('\n'));
    const variables = next?.words.includes('variables') ? JSON.parse(this.aliases.real(next.text)) : undefined;
    const isSubscription = document.definitions.some(({ operation }) => operation === 'subscription');
    const accept = isSubscription ? 'text/event-stream' : 'application/json';
    const answer = await this.#fetch('/graphql', 'POST', JSON.stringify({ query, variables }), accept);
    const text = isSubscription ? await firstEvent(answer) : await answer.text();
    const failed = 'errors' in JSON.parse(text);
    if (failed !== words.includes('errors')) throw new Error(`the operation is answered ${text}`);
    this.last = { output: () => text };
  }

  async #compare({ language, text, isHidden }) {
    if (!this.last) throw new Error('there is nothing before this output');
    for (let tries = 0; ; tries++) {
      try {
        match(text, this.aliases.shown(this.last.output()), language === 'json');
        if (!isHidden) this.#counts.compared++;
        return;
      } catch (error) {
        if (!this.last.grows || tries === 100) throw error;
        await sleep(100);
      }
    }
  }
}

/** The first result of a subscription over server-sent events. */
async function firstEvent(answer) {
  let text = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const data = /^event: next\ndata: (.*)\n/m.exec(text);
    if (data) return data[1];
  }
  throw new Error(`the stream ended: ${text}`);
}
