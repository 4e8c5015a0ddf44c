/** Texts as Python sees them: by code points, with its notions of white space and of what can be printed. */
import { data } from "./data.js";
import { encodeJson } from "./json.js";

const SPACE = data.characters.space;
const BEGIN = new RegExp(`^[${SPACE}]+`);
const ANY = new RegExp(`[${SPACE}]`, "g");
const UNPRINTABLE = /(?! )[\p{C}\p{Z}]/gu;

const ONE = new RegExp(`^[${SPACE}]`);
/** @param {string} text @returns {string} */
export const stripStart = (text) => text.replace(BEGIN, "");
/** @param {string} text @returns {string} */
export const withoutSpace = (text) => text.replace(ANY, "");
/** @param {string} text @returns {number} its length in code points */
export const length = (text) => (text.length > 0 ? [...text].length : 0);

/** @param {string} text @returns {string} without space around it */
export function strip(text) {
  let end = text.length;
  // No regular expression: one that looks for an end looks again at every sign of a long run.
  while (end > 0 && ONE.test(text[end - 1])) end -= 1;
  return stripStart(text.slice(0, end));
}

/** @param {string} text @param {number} most @returns {string} its first code points */
export function first(text, most) {
  return text.length <= most ? text : [...text.slice(0, 2 * most)].slice(0, most).join("");
}

/** @param {string} text @param {string} sign @returns {number} how often the sign is in it */
export function count(text, sign) {
  let found = 0;
  for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) found += 1;
  return found;
}

/** @param {Iterable<string>} texts @returns {string[]} in the order of their code points */
export function sorted(texts) {
  return [...texts].sort((one, other) => {
    const [a, b] = [[...one], [...other]];
    const at = a.findIndex((sign, index) => sign !== b[index]);
    if (at < 0) return a.length - b.length;
    return at < b.length ? a[at].codePointAt(0) - b[at].codePointAt(0) : 1;
  });
}

/** @param {string} template @param {Record<string, unknown>} values @returns {string} with its places filled */
export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** @param {unknown} value @returns {string} it on one line, bounded; JSON for what is no text, or an empty one */
export function shown(value) {
  const text = typeof value === "string" && value ? value : encodeJson(value);
  const begun = first(text, data.limits.shown);
  return begun.replace(UNPRINTABLE, "\ufffd") + (begun.length < text.length ? data.words.more : "");
}
