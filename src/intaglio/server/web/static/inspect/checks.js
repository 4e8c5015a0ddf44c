/** Single checks, both clocks, and a whole report: made, and written as text. */
import { data } from "./data.js";
import { fill, shown } from "./text.js";

const SPECS = data.steps.specs;

/** What the steps before the rules say, and their names in order. */
export const SAYS = data.steps.sentences;
export const STEPS = Object.keys(SPECS);

/**
 * @typedef {object} Check
 * @property {string} name @property {"pass"|"fail"|"skipped"} outcome @property {string} code
 * @property {string} expected @property {string} received @property {string} hint @property {string} spec
 *
 * @typedef {object} Report
 * @property {boolean} believed @property {string} dialect @property {string} kind
 * @property {{yours: number, issued_at: number|null, skew: number|null, sentence: string}} clocks
 * @property {Check[]} checks
 */

/** @returns {Check} */
export const made = (name, outcome, spec, told = {}) => ({
  name, outcome, code: "", expected: "", received: "", hint: "", spec, ...told,
});
export const passed = (name, expected, received) => made(name, "pass", SPECS[name], { expected, received });
export const skipped = (name, why) => made(name, "skipped", SPECS[name], { hint: SAYS[why] });
export const unable = (name, why, alg) => made(name, "skipped", SPECS[name], { hint: fill(SAYS[why], { alg }) });

/** @param {unknown} value @returns {string} */
const told = (value) => shown(Array.isArray(value) ? value.join(", ") : value);

/** @param {string} name @param {Refused} refusal @param {string} expected @returns {Check} */
export function failed(name, refusal, expected = "") {
  const { detail } = refusal;
  const received = "received" in detail ? detail.received : (detail.rule ?? "");
  const listed = Array.isArray(detail.expected) ? detail.expected.length > 0 : Boolean(detail.expected);
  return made(name, "fail", SPECS[name], {
    code: refusal.code,
    expected: listed ? told(detail.expected) : expected,
    received: received === null ? SAYS["no kid"] : shown(received),
    hint: refusal.hint || (data.hints[refusal.code] ?? ""),
  });
}

function sentence({ yours, issued_at: issued, skew }) {
  const says = data.report.clocks;
  if (skew) return fill(says.apart, { seconds: Math.abs(skew), side: skew > 0 ? says.behind : says.ahead });
  if (skew === null && issued !== null && issued > yours) return fill(says.at_least, { seconds: issued - yours });
  return skew === 0 ? says.agree : says.unknown;
}

/** @param {number} yours @param {number|null} issuedAt @param {number|null} skew */
export function clocks(yours, issuedAt, skew) {
  const both = { yours, issued_at: issuedAt, skew };
  return { ...both, sentence: sentence(both) };
}

/** @returns {Report} */
export function report(checks, expectation, looks, both, believed) {
  return { believed, dialect: expectation.rules.name, kind: looks, clocks: both, checks };
}

/** @param {Check} each @returns {string[]} */
function lines(each) {
  const { marks, indent, labels } = data.report;
  if (each.outcome === "skipped") return [`${marks.skipped} ${each.name}: ${each.hint}`];
  const head = `${marks[each.outcome]} ${each.name}${each.code ? ` [${each.code}]` : ""}`;
  const more = each.outcome === "fail" ? labels.filter((label) => each[label]) : [];
  return [head, ...more.map((label) => `${indent}${label}: ${each[label]}`)];
}

/** @param {Report} found @returns {string} lines for a person, as the library writes them */
export function toText(found) {
  return `${[...found.checks.flatMap(lines), data.report.clocks.line + found.clocks.sentence].join("\n")}\n`;
}
