// Puts the verdict at the top of the page and the report beneath the form.

import { confirmed } from "./asking.js";
import { byId, el, fill, visible } from "./dom.js";
import { checkList, clocks, exportsOf, tempered, unasked, verdict } from "./report.js";

const at = (name) => byId(`inspect-${name}`);

// `told` is the engine's report, or null if there was nothing to compare with; `notes` are sentences above it.
export function drawOutcome(told, { hasKeys = false, moment = 0, isNow = true, notes = [] }) {
  const remarks = notes.map((note) => el("p", { class: "state bad" }, visible(note, 500)));
  if (told === null) {
    const { node } = unasked();
    node.append(pointer());
    fill(at("verdict"), node);
    return fill(at("report"), ...remarks);
  }
  const own = confirmed();
  const carried = tempered(told, own);
  const { node, state } = verdict(carried, { hasKeys, confirmed: own });
  const beneath = el("div", { class: "verdict" }, node.cloneNode(true));
  if (state !== "believed") node.append(pointer(state === "refused"));
  fill(at("verdict"), node);
  fill(at("report"), ...remarks, beneath, checkList(carried), clocks(carried, moment, isNow), exportsOf(carried, own));
}

export function clearOutcome() {
  fill(at("verdict"));
  fill(at("report"));
}

function pointer(refused = false) {
  const button = el("button", { type: "button", class: "pointer" }, refused ? "See every check" : "Say what you expect");
  button.addEventListener("click", () => {
    at(refused ? "report" : "check-section").scrollIntoView();
    at(refused ? "report" : "issuer").focus({ preventScroll: true });
  });
  return button;
}
