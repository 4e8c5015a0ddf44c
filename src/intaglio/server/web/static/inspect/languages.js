// Draws "Validate this in …": one choice a language, and its lines to copy.

import * as engine from "./engine.js";
import { typed } from "./asking.js";
import { byId, copyButton, el, fill } from "./dom.js";
import { snippets } from "./snippets.js";

let chosen = "intaglio";

// `algorithm` is what the token says it was signed with: the lines allow it if keys for it are published anywhere.
export function drawLanguages(algorithm) {
  const [issuer, dialect] = [typed("issuer"), typed("dialect")];
  let discovery = "";
  try {
    discovery = engine.discoveryUri(issuer, dialect);
  } catch {
    // An issuer that has no discovery: the lines show a placeholder.
  }
  const made = snippets({ issuer, audience: typed("audience").split(/\s+/)[0], dialect, algorithm, discovery });
  choices(made, () => drawLanguages(algorithm));
  const shown = made.find(({ id }) => id === chosen);
  fill(byId("inspect-snippet-holder"), el(
    "div", { class: "snippet" }, el("p", { class: "note" }, shown.note),
    el("pre", { id: "inspect-snippet", tabindex: "0", role: "group", "aria-label": `Lines for ${shown.title}` }, shown.code),
    copyButton(() => shown.code, "Copy", `the lines for ${shown.title}`),
  ));
}

// The choices are made once, so that none loses the focus; what they lead to is told to them each time.
function choices(made, again) {
  const holder = byId("inspect-languages");
  for (const { id, title } of made) {
    const known = byId(`inspect-language-${id}`);
    const choice = known ?? el("input", { type: "radio", id: `inspect-language-${id}`, name: "inspect-language", value: id, checked: id === chosen });
    choice.onchange = () => { chosen = id; again(); };
    if (!known) holder.append(choice, el("label", { for: choice.id }, title));
  }
}
