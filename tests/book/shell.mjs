// One shell for the commands of a chapter, so that what one sets the next one has.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const SECONDS = 60;

export class Shell {
  #folder;
  #bash;
  #reports;
  #jobs = [];
  #started = [];
  #blocks = 0;

  /** `folder` is where it starts, `scratch` where what it prints is kept. */
  constructor(folder, scratch, env) {
    this.#folder = scratch;
    const stdio = ['pipe', 'ignore', 'pipe', 'pipe'];
    this.#bash = spawn('bash', ['--noprofile', '--norc'], { cwd: folder, env, stdio });
    this.#bash.stdin.on('error', () => {}); // it ended; `#send` says so
    this.#reports = createInterface({ input: this.#bash.stdio[3] })[Symbol.asyncIterator]();
    // Jobs are groups of their own, so that `kill %1` reaches all of one.
    this.#bash.stdin.write(`set -m -o pipefail\n. ${join(here, 'setup.sh')}\n`);
  }

  /** Runs commands; answers what they print. They fail unless they end with `status`. */
  async run(text, status = 0) {
    const { file, out, err } = this.#block(text);
    const source = status === 0 ? `set -e; . ${file}` : `( set -e; . ${file} )`;
    const ended = await this.#send(`{ ${source}; } >${out} 2>${err} </dev/null 3>&-`);
    if (ended !== status) throw new Error(`exit status ${ended}, not ${status}:\n${read(err)}${read(out)}`);
    return { output: () => read(out) };
  }

  /** Starts commands beside the others; what they print grows. */
  async start(text) {
    const { file, out, err } = this.#block(text);
    await this.#send(`( set -e; . ${file} ) >${out} 2>${err} </dev/null 3>&- &`);
    this.#started.push(err);
    return { output: () => read(out), grows: true };
  }

  /** The last lines that those beside said on standard error. */
  complaints() {
    return this.#started.map((file) => read(file).trimEnd().split('\n').slice(-5).join('\n')).filter(Boolean).join('\n');
  }

  /** What the shell makes of a text, such as `$TOKEN`. */
  async expand(text) {
    return (await this.run(`printf %s "${text}"`)).output();
  }

  /** Ends it and all that it started. */
  end() {
    for (const job of this.#jobs) {
      try {
        process.kill(-job, 'SIGKILL');
      } catch {
        // It ended before.
      }
    }
    this.#bash.kill('SIGKILL');
  }

  #block(text) {
    const name = join(this.#folder, `block-${this.#blocks++}`);
    writeFileSync(`${name}.sh`, `${text}\n`);
    return { file: `${name}.sh`, out: `${name}.out`, err: `${name}.err` };
  }

  /** Has the shell do a line; answers its exit status. A command that fails under `set -e` ends the shell. */
  async #send(line) {
    this.#bash.stdin.write(`${line}\necho $? $(jobs -p) >&3; set +e\n`);
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no end after ${SECONDS} s`)), SECONDS * 1000);
    });
    const { value, done } = await Promise.race([this.#reports.next(), late]).finally(() => clearTimeout(timer));
    if (done) {
      if (this.#bash.exitCode === null) await once(this.#bash, 'exit');
      return this.#bash.exitCode;
    }
    const [status, ...jobs] = value.split(' ').map(Number);
    this.#jobs = [...new Set([...this.#jobs, ...jobs])];
    return status;
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
