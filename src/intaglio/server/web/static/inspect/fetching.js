// The button that fetches the issuer's keys: it asks for one origin to be allowed, says what became of it, and a way out.

import * as arrival from "./arrival.js";
import * as asking from "./asking.js";
import { byId, copyButton, el, fill, visible } from "./dom.js";
import { discoveryOf, fetchKeys, NotFetched } from "./issuerkeys.js";
import { keysLine } from "./snippets.js";

const allowed = (byId("inspect").dataset.origins ?? "").split(" ").filter(Boolean);

// `fields()` is what travels behind the #; `taken(found)` gets the keys; `dropped()` is told that they are no longer good.
export function offerKeys({ fields, taken, dropped }) {
  const [button, note, status] = ["fetch", "fetch-note", "fetch-status"].map((name) => byId(`inspect-${name}`));
  const usual = note.textContent;
  let from = "";

  const issuer = () => asking.typed("issuer");
  const where = () => discoveryOf(issuer(), asking.typed("dialect"));
  const say = (kind, ...children) => fill(status, el("div", { class: `state ${kind}` }, ...children));

  function reload(origins) {
    arrival.reload(origins, fields(), { ...asking.keep(), fetching: true });
  }

  async function go() {
    const [asked, dialect] = [issuer(), asking.typed("dialect")];
    const place = where();
    if (place === null) return say("bad", el("p", {}, "The issuer is no https address (http on this machine alone), so there is nowhere to ask."));
    if (!allowed.includes(place.origin)) return reload([place.origin]);
    say("ask", el("p", {}, "Asking ", el("code", {}, visible(place.origin, 200)), " …"));
    try {
      const found = await fetchKeys(asked, dialect, allowed);
      if (asked !== issuer()) return fill(status);
      from = asked;
      const size = JSON.parse(found.keys).keys?.length ?? 0;
      say("good", el("p", {}, `${size} ${size === 1 ? "key" : "keys"} from `, el("code", {}, visible(found.from, 300))));
      taken(found);
    } catch (fault) {
      if (!(fault instanceof NotFetched)) throw fault;
      tell(fault, place);
    }
  }

  function tell(fault, place) {
    if (fault.origin) return second(fault, place);
    say("bad", el("p", {}, visible(fault.message, 500)), ...(fault.blocked ? wayOut(place) : []));
  }

  // The keys are elsewhere: nobody is allowed by a document, only by the person who reads this.
  function second(fault, place) {
    const more = el("button", { type: "button", class: "button secondary", id: "inspect-allow" }, "Allow that one too");
    more.addEventListener("click", () => reload([place.origin, fault.origin]));
    say("ask", el("p", {}, "The issuer keeps its keys at another origin, ", el("code", {}, visible(fault.origin, 200)), ". This page may not connect to it yet."), more);
  }

  function wayOut(place) {
    const line = keysLine(place.href);
    return [
      el("p", {}, "Perhaps it is down, redirects, or does not allow other pages to read it (CORS). Get the keys with this line and paste the file below:"),
      el("pre", { tabindex: "0", role: "group", "aria-label": "Line that gets the keys" }, line),
      copyButton(() => line, "Copy", "the line"),
    ];
  }

  function refresh() {
    const place = where();
    button.disabled = place === null;
    note.replaceChildren(usual);
    if (place !== null && allowed.includes(place.origin)) fill(note, "This page may connect to ", el("code", {}, visible(place.origin, 200)), " and to nobody else.");
    // The keys of one issuer prove nothing about another's tokens.
    if (from && from !== issuer()) {
      clear();
      dropped();
    }
  }

  function clear() {
    from = "";
    fill(status);
  }

  button.addEventListener("click", go);
  return { go, refresh, clear, forget: () => { from = ""; } };
}
