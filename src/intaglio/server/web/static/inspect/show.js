// Draws a token: its kind in words, its parts in their inks, header and payload, problems, and every claim.

import * as engine from "./engine.js";
import { names as namesOf } from "./json.js";
import { code, copyButton, count, el, plain, pretty, visible } from "./dom.js";
import { numeric, told } from "./times.js";

export const MOST_ROWS = 500;
const PART_CHARACTERS = 6000;

const KINDS = {
  "id-token": "An ID token",
  "access-token": "An access token",
  "logout-token": "A logout token",
  jws: "A signed token, of no kind that is known",
  jwe: "An encrypted token",
  "json-serialization": "A token in JSON serialization",
  saml: "A SAML message",
  opaque: "Not a token that can be read",
};
const ADVICE = {
  "access-token": "It is for an API, not for an application that wants to know who signed in; it must not be taken for an ID token.",
  "logout-token": "It tells an application that a session has ended; it must not be taken for an ID token.",
  jws: "It lacks one of iss, sub and aud, which every ID token carries.",
  jwe: "Only the holder of the private key can see what it says.",
  "json-serialization": "An ID token comes in compact form: three parts, or five, between dots.",
  saml: "An older standard, written in XML. Nothing here can check it.",
  opaque: "Three parts between dots make a signed token, five an encrypted one. An access token or a refresh token may look like anything: only its issuer can read it.",
};
const SIGNED = ["Header", "Payload", "Signature"];
const ENCRYPTED = ["Header", "Encrypted key", "Initialization vector", "Ciphertext", "Tag"];

export const kindName = (kind) => KINDS[kind] ?? "A token";

// The sentence under the kind: who says to have made it for whom, and how long it counts.
export function summary(token, at) {
  const { header, payload, kind } = token;
  const told_ = [];
  if (ADVICE[kind]) told_.push(ADVICE[kind]);
  if (kind === "jwe" && header) told_.push(`Encrypted with ${short(header.alg)} and ${short(header.enc)}.`);
  if (payload && typeof payload.iss === "string") {
    told_.push(`It says that ${short(payload.iss)} made it${payload.aud === undefined ? "" : ` for ${short(payload.aud)}`}.`);
  }
  if (payload && payload.exp !== undefined) {
    const end = told(payload.exp, at);
    if (end.relative) told_.push(numeric(payload.exp) > at ? `It ends ${end.relative}.` : `It ended ${end.relative}.`);
  }
  return visible(told_.join(" "), 2000);
}

const short = (value) => {
  const text = Array.isArray(value) ? value.slice(0, 5).map(plain).join(", ") : plain(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
};

export function problems(list) {
  if (!list.length) return null;
  const rows = list.slice(0, 20).map((sentence) => el("li", {}, visible(sentence, 500)));
  return el("div", { class: "problems" }, el("h3", {}, list.length === 1 ? "One thing is odd" : `${count(list.length)} things are odd`), el("ul", {}, ...rows));
}

export function parts(token, id) {
  const texts = token.parts ?? [];
  if (texts.length < 2) return null;
  const labels = texts.length === 3 ? SIGNED : texts.length === 5 ? ENCRYPTED : texts.map((_, at) => `Part ${at + 1}`);
  const legend = labels.map((label, at) => el("li", { class: ink(at) }, el("span", { class: "swatch" }, label)));
  const line = el("code", { id });
  texts.forEach((text, at) => {
    if (at) line.append(el("span", { class: "dot" }, "."));
    line.append(el("span", { class: `part ${ink(at)}` }, visible(text, PART_CHARACTERS)));
  });
  const caption = el("figcaption", {}, el("span", { class: "unseen" }, "Parts of the token:"), el("ol", { class: "legend" }, ...legend));
  return el("figure", { class: "token" }, caption, el("p", { class: "copyable" }, line, copyButton(() => texts.join("."), "Copy", "the token")));
}

const ink = (at) => `part-${(at % 5) + 1}`;

export function decoded(token) {
  const panes = [["Header", token.header, 0], ["Payload", token.payload, 1]].filter(([, held]) => held);
  if (!panes.length) return null;
  return el("div", { class: "decoded" }, ...panes.map(([label, held, at]) => el(
    "section", { class: ink(at), "aria-label": `Decoded ${label}` },
    el("h3", {}, el("span", { class: "swatch" }, label)),
    el("pre", { tabindex: "0", role: "group", "aria-label": label }, visible(pretty(held), 24000)),
  )));
}

// The claims of the payload: name, value with its time, meaning with the dialects that use the name.
export function claims(payload, dialect, at) {
  const names = namesOf(payload);
  const rows = names.slice(0, MOST_ROWS).map((name) => claimRow(name, payload[name], dialect, at));
  const body = el("tbody", { role: "rowgroup" }, ...rows);
  if (!names.length) body.append(el("tr", { role: "row" }, el("td", { role: "cell", colspan: "3", class: "none" }, "This token carries no claims.")));
  const shown = el("div", {}, el("table", { id: "inspect-claims", class: "cards claims with-badges", role: "table" }, head("Claim", "Value", "Meaning"), body));
  if (names.length > MOST_ROWS) {
    shown.append(el("p", { class: "note" }, `The first ${count(MOST_ROWS)} of ${count(names.length)} claims are shown.`));
  }
  return shown;
}

export function head(...titles) {
  const cells = titles.map((title) => el("th", { scope: "col", role: "columnheader" }, title));
  return el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...cells));
}

function claimRow(name, value, dialect, at) {
  const known = engine.meaning(name) ?? [];
  const best = known.find((one) => one.dialect === dialect) ?? known.find((one) => one.dialect === "standard") ?? known[0];
  const badges = [...new Set(known.map((one) => one.title).filter(Boolean))].map((title) => el("span", { class: "tag" }, title));
  return el(
    "tr", { role: "row" },
    el("th", { scope: "row", role: "rowheader" }, code(name, 200)),
    el("td", { role: "cell" }, code(plain(value), 1500), engine.instants.includes(name) ? moment(name, value, at) : null),
    el("td", { role: "cell" }, best?.title ? best.sentence : el("span", { class: "none" }, best?.sentence ?? ""), badges.length ? el("span", { class: "badges" }, ...badges) : null),
  );
}

function moment(name, value, at) {
  const found = told(value, at);
  if (!found.text) return el("span", { class: "time odd-time" }, found.odd);
  const over = (name === "exp" && numeric(value) <= at) || (name !== "exp" && name !== "updated_at" && numeric(value) > at);
  const line = el("span", { class: over ? "time gone" : "time" }, el("time", { datetime: found.iso, title: found.local }, el("b", {}, found.relative), ` · ${found.text}`));
  if (found.odd) line.append(el("span", { class: "time odd-time" }, found.odd));
  return line;
}
