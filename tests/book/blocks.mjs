// The blocks of a Markdown file: what is fenced, and what stands in comments for the runner alone.
//
//     ```json output          the language, then words that say what is to be done with it
//     <!-- sh background      the same, unseen by readers; it ends with a line of its own: -->
//
// The words are those of `run.mjs`; `norun:` takes the rest of the line, as the reason.

const FENCE = /^( *)(`{3,})([^`]*)$/;
const HIDDEN = /^<!-- ((?!.*-->).*)$/;

/** Every block as `{ line, language, words, reason, text, isHidden }`, `line` counted from 1. */
export function blocks(markdown) {
  const lines = markdown.split('\n');
  const found = [];
  for (let at = 0; at < lines.length; at++) {
    const fence = FENCE.exec(lines[at]);
    const hidden = HIDDEN.exec(lines[at]);
    if (!fence && !hidden) continue;
    const isEnd = fence
      ? (line) => line.trim() === fence[2]
      : (line) => line === '-->';
    const length = lines.slice(at + 1).findIndex(isEnd);
    if (length < 0) throw new Error(`line ${at + 1}: the block has no end`);
    const text = lines.slice(at + 1, at + 1 + length).map((line) => line.slice(fence?.[1].length ?? 0));
    const info = fence ? fence[3] : hidden[1];
    found.push({ line: at + 1, ...parsed(info), text: text.join('\n'), isHidden: !fence });
    at += 1 + length;
  }
  return found;
}

/** The info string of a block: `json POST /api/tasks status=422`. */
function parsed(info) {
  const [, before, reason] = /^(.*?)(?:\bnorun:\s*(.*))?$/.exec(info.trim());
  const [language = '', ...words] = before.split(/\s+/).filter(Boolean);
  const named = words.filter((word) => word.includes('=')).map((word) => word.split(/=(.*)/s).slice(0, 2));
  return { language, words: words.filter((word) => !word.includes('=')), named: Object.fromEntries(named), reason };
}
