// Two tokens side by side: header and claims, and in words what differs.

import * as engine from "./engine.js";
import { names as namesOf } from "./json.js";
import { code, count, el, plain } from "./dom.js";
import { head, MOST_ROWS } from "./show.js";
import { numeric, relative } from "./times.js";

export function differences(one, two) {
  const rows = [...compared(one.header, two.header, "header "), ...compared(one.payload, two.payload, "")];
  const differing = rows.filter((row) => row.words !== "the same").length;
  const sentence = differing ? `${count(differing)} of ${count(rows.length)} differ.` : "They say the same.";
  const body = el("tbody", { role: "rowgroup" }, ...rows.slice(0, MOST_ROWS).map(drawn));
  const table = el("table", { class: "cards compared", role: "table", id: "inspect-compared" }, head("Claim", "This token", "The other", "Difference"), body);
  const only = el("input", { type: "checkbox", id: "inspect-only" });
  only.addEventListener("change", () => {
    for (const line of body.rows) line.hidden = only.checked && !line.classList.contains("differs");
  });
  const more = rows.length > MOST_ROWS ? el("p", { class: "note" }, `The first ${count(MOST_ROWS)} of ${count(rows.length)} are shown.`) : null;
  return [el("p", { class: "lead", role: "status" }, sentence), el("p", { class: "only" }, only, el("label", { for: "inspect-only" }, "Only what differs")), table, more];
}

function compared(one, two, prefix) {
  const [left, right] = [one ?? {}, two ?? {}];
  const names = [...new Set([...namesOf(left), ...namesOf(right)])];
  return names.map((name) => {
    const [mine, theirs] = [own(left, name), own(right, name)];
    return { name, prefix, mine, theirs, words: inWords(name, mine, theirs, left, right) };
  });
}

const own = (held, name) => (Object.hasOwn(held, name) ? plain(held[name]) : null);

function inWords(name, mine, theirs, left, right) {
  if (mine === null) return "only in the other";
  if (theirs === null) return "only in this";
  if (mine === theirs) return "the same";
  const apart = numeric(right[name]) - numeric(left[name]);
  if (!engine.instants.includes(name) || !Number.isFinite(apart)) return "differs";
  return apart > 0 ? `the other is later, by ${span(apart)}` : `the other is earlier, by ${span(-apart)}`;
}

const span = (seconds) => relative(seconds).replace("in ", "");

function drawn({ name, prefix, mine, theirs, words }) {
  const side = (text, label) => el("td", { role: "cell", "data-label": label }, text === null ? el("span", { class: "none" }, "not there") : code(text, 600));
  const differs = words !== "the same";
  return el(
    "tr", { role: "row", class: differs ? "differs" : "" },
    el("th", { scope: "row", role: "rowheader" }, prefix ? el("span", { class: "note" }, prefix) : null, code(name, 200)),
    side(mine, "This token"), side(theirs, "The other"),
    el("td", { role: "cell", class: "difference" }, differs ? "≠ " : "= ", words),
  );
}
