// Whether an answer is as it is shown. `…` stands for anything: for the rest of a line, for any lines where it is alone
// on one, and in JSON for any members or any part of a text. White space between the parts of JSON does not count.

/** Throws with both texts where `actual` is not as `shown`. */
export function match(shown, actual, isJson) {
  const plain = isJson ? compact : tidy;
  const [expected, found] = [plain(shown), plain(actual)];
  if (pattern(expected, isJson).test(found)) return;
  throw new Error(`shown:\n${indented(expected)}\nin fact:\n${indented(found)}`);
}

function pattern(expected, isJson) {
  const escaped = expected.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const source = isJson
    ? escaped.replaceAll('…', '[\\s\\S]*?')
    : escaped.replace(/^…(\n|$)/gm, '(?:[\\s\\S]*\\n)?').replaceAll('…', '[^\\n]*');
  return new RegExp(`^${source}$`);
}

/** JSON without the white space outside its strings. */
const compact = (text) => text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, string) => string ?? '');

const tidy = (text) => `${text.replace(/[ \t\r]+$/gm, '').trim()}\n`;

const indented = (text) => text.trimEnd().replace(/^/gm, '    ');
