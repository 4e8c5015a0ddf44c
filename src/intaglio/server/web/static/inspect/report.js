// Draws the validation report: the verdict, every check with expected and received, both clocks, and ways to copy it.

import * as engine from "./engine.js";
import { copyButton, count, el, visible } from "./dom.js";

const WORDS = { pass: "passed", fail: "failed", skipped: "not run" };
const SIGNS = { pass: "✓", fail: "✗", skipped: "–" };
const OWN_WORD = "Compared with the token’s own word, which proves nothing: say what you expect.";
const KEYLESS = new Set(["keys-unavailable"]);
const MOST_CHECKS = 200;

// The report as far as the person's own expectation carries it: a token must not vouch for itself.
export function tempered(report, confirmed) {
  const own = (check) => check.outcome === "pass" && ((check.name === "issuer" && !confirmed.issuer) || (check.name === "audience" && !confirmed.audience));
  const checks = report.checks.map((check) => (own(check) ? { ...check, outcome: "skipped", hint: OWN_WORD } : check));
  return { ...report, believed: report.believed && confirmed.issuer && confirmed.audience, checks };
}

// believed, refused, unverified (nothing to check the signature with) or undecided (by the token's own word).
export function verdict(report, { hasKeys, confirmed }) {
  const failed = report.checks.filter((check) => check.outcome === "fail");
  const grave = hasKeys ? failed : failed.filter((check) => !KEYLESS.has(check.code));
  const first = grave[0];
  const because = first ? `The check of “${first.name}” failed. ${first.hint || first.code}` : "";
  if (!hasKeys) {
    const more = first ? ` And it would be refused: ${because}` : "";
    return stamp("unverified", "!", "UNVERIFIED", `Nothing has checked the signature, so anybody may have written this.${more}`);
  }
  if (first) return stamp("refused", "✗", "REFUSED", because);
  if (report.checks.every((check) => check.name !== "signature" || check.outcome !== "pass")) {
    return stamp("undecided", "?", "NOT DECIDED", "This browser could not check the signature: it lacks the algorithm.");
  }
  if (report.believed) return stamp("believed", "✓", "BELIEVED", "Every check that applies passed, against what you expect.");
  const open = [confirmed.issuer ? "" : "issuer", confirmed.audience ? "" : "audience"].filter(Boolean).join(" and ");
  if (open) return stamp("undecided", "?", "NOT DECIDED", `The signature holds, but the ${open} compared are the token’s own. Say which you expect.`);
  return stamp("undecided", "?", "NOT DECIDED", "This browser could not make every check that is needed.");
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// Before there is anything to compare with.
export const unasked = () => stamp("unverified", "!", "UNVERIFIED", "Nothing has been checked: say which issuer and audience you expect.");

function stamp(state, sign, words, sentence) {
  return { state, node: el("div", { class: `stamp ${state}` }, el("span", { class: "sign", "aria-hidden": "true" }, sign), el("strong", {}, words), el("p", {}, visible(sentence, 600))) };
}

export function checkList(report) {
  const rows = report.checks.slice(0, MOST_CHECKS).map(row);
  return el("ol", { class: "checks", id: "inspect-checks" }, ...rows);
}

function row(check) {
  const outcome = check.outcome in WORDS ? check.outcome : "skipped";
  // What was not run has nothing to compare: the reason stands where the two sides would.
  const aside = outcome === "skipped" && !check.expected && !check.received;
  const hint = () => el("p", { class: "hint" }, visible(check.hint, 600));
  const words = el(
    "div", {},
    el("h3", {}, visible(capital(check.name), 100), " ", el("span", { class: "outcome" }, WORDS[outcome])),
    check.spec ? el("p", { class: "spec" }, visible(check.spec, 200)) : null,
    check.hint && !aside ? hint() : null,
    outcome === "fail" && check.code ? el("p", { class: "spec" }, el("code", {}, visible(check.code, 80))) : null,
  );
  const line = el("li", { class: outcome }, el("div", { class: "check" }, el("span", { class: "sign", "aria-hidden": "true" }, SIGNS[outcome]), words));
  if (aside && check.hint) line.append(hint());
  if (check.expected || check.received) line.append(pair(check.expected, check.received, outcome === "fail"));
  return line;
}

function pair(expected, received, differ) {
  const side = (title, value, other) => el(
    "div", {}, el("dt", {}, title),
    el("dd", {}, value ? el("code", { dir: "ltr" }, ...(differ && other ? marked(value, other) : [visible(value, 1000)])) : el("span", { class: "none" }, "nothing")),
  );
  return el("dl", { class: "pair" }, side("Expected", expected, received), side("Received", received, expected));
}

// The value with what the other does not have in common with it marked.
export function marked(value, other) {
  let from = 0;
  while (from < value.length && from < other.length && value[from] === other[from]) from += 1;
  let tail = 0;
  while (tail < value.length - from && tail < other.length - from && value[value.length - 1 - tail] === other[other.length - 1 - tail]) tail += 1;
  const own = value.slice(from, value.length - tail);
  // Little in common: marking nearly all of it would tell nothing.
  if (!own || from + tail < 3) return [visible(value, 1000)];
  return [visible(value.slice(0, from), 1000), el("mark", {}, visible(own, 1000)), visible(value.slice(value.length - tail), 1000)];
}

export function clocks(report, at, isNow) {
  const mine = `${new Date(at * 1000).toISOString().replace(".000", "")}${isNow ? "" : " (the time that you chose)"}`;
  const told = report.clocks ?? {};
  const theirs = Number.isSafeInteger(told.issued_at) && Math.abs(told.issued_at) < 8e12 ? `; the token says it was made at ${new Date(told.issued_at * 1000).toISOString().replace(".000", "")}` : "";
  return el("p", { class: "clocks" }, el("strong", {}, "Clocks: "), `yours says ${mine}${theirs}; ${told.sentence ?? ""}.`);
}

export function exportsOf(report, confirmed) {
  const notes = confirmed.issuer && confirmed.audience ? [] : ["note: issuer or audience was taken from the token itself, so nothing is believed"];
  const asText = () => [engine.toText(report).trimEnd(), ...notes, ""].join("\n");
  const asJson = () => JSON.stringify(notes.length ? { ...report, note: notes[0] } : report, null, 2);
  const failed = report.checks.filter((check) => check.outcome === "fail").length;
  const passed = report.checks.filter((check) => check.outcome === "pass").length;
  return el(
    "div", { class: "exports" },
    el("span", { class: "note" }, `${count(passed)} passed, ${count(failed)} failed, ${count(report.checks.length - passed - failed)} not run`),
    copyButton(asText, "Copy as text", "the report"),
    copyButton(asJson, "Copy as JSON", "the report"),
  );
}
