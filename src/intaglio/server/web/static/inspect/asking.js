// What the person expects, read from the form; and whose word the issuer and the audience are.

import * as engine from "./engine.js";
import { byId, el } from "./dom.js";
import { parse } from "./times.js";

export const OWN = ["issuer", "audience"];
// Carried over when the page is reloaded; neither a secret nor a token is among them.
const KEPT = ["issuer", "audience", "dialect", "nonce", "state", "max-age", "leeway", "at", "also", "azp", "organization", "emails"];

const field = (name) => byId(`inspect-${name}`);
export const typed = (name) => field(name).value.trim();
const words = (name) => typed(name).split(/\s+/).filter(Boolean);
const several = (list) => (list.length === 1 ? list[0] : list);
const maybe = (list) => (list.length ? list : null);

export function listDialects() {
  field("dialect").replaceChildren(...engine.dialects.map(({ name, title }) => el("option", { value: name }, title)));
}

// The token's own word goes into the fields that the person has not filled in, marked as such.
export function prefill(payload) {
  const said = { issuer: payload?.iss, audience: payload?.aud };
  for (const name of OWN) {
    if (isMine(name) && typed(name)) continue;
    const list = Array.isArray(said[name]) ? said[name] : [said[name]];
    const texts = list.filter((one) => typeof one === "string" && one.length <= 2000 && !/\s/.test(one));
    field(name).value = texts.length === list.length && texts.length <= 5 ? texts.join(" ") : "";
    field(`${name}-mine`).checked = false;
    field(`${name}-own`).hidden = !field(name).value;
  }
}

export const isMine = (name) => field(`${name}-mine`).checked || (field(`${name}-own`).hidden && typed(name) !== "");

export const confirmed = () => ({ issuer: isMine("issuer"), audience: isMine("audience") });

// What somebody typed is what they expect: the mark goes.
export function typedBy(name) {
  field(`${name}-mine`).checked = false;
  field(`${name}-own`).hidden = true;
}

export function expectation() {
  const dialect = typed("dialect") || "standard";
  const leeway = typed("leeway");
  return {
    issuer: typed("issuer"),
    audience: words("audience").length ? several(words("audience")) : null,
    dialect,
    leeway: /^\d+$/.test(leeway) ? Math.min(Number(leeway), 300) : engine.rules(dialect).leeway,
    algorithms: null,
    also: words("also"),
    authorized_parties: maybe(words("azp")),
    organization: typed("organization") || null,
    emails: maybe(words("emails")),
    secret: field("secret").value || null,
    decryption: null,
    require_encrypted: false,
  };
}

export function occasion() {
  const text = (name) => typed(name) || null;
  const age = typed("max-age");
  return { nonce: text("nonce"), access_token: text("access-token"), code: text("code"), state: text("state"), max_age: /^\d+$/.test(age) ? Number(age) : null };
}

// {at, isNow, problem}
export function time() {
  const at = parse(typed("at"));
  const isNow = typed("at") === "" || typed("at").toLowerCase() === "now";
  return at === null ? { at: parse(""), isNow: true, problem: "The time of the check is no time; now was taken." } : { at, isNow, problem: "" };
}

export function keep() {
  return { fields: Object.fromEntries(KEPT.map((name) => [name, typed(name)])), mine: confirmed(), chosen: field("dialect").dataset.chosen ?? "" };
}

export function restore(held) {
  for (const name of KEPT) {
    const value = held.fields?.[name];
    if (typeof value === "string") field(name).value = value;
  }
  for (const name of OWN) {
    const mine = held.mine?.[name] === true;
    field(`${name}-mine`).checked = mine;
    field(`${name}-own`).hidden = mine || !typed(name);
  }
  if (held.chosen) field("dialect").dataset.chosen = "yes";
}
