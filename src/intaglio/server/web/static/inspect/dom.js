// Builds elements. Everything from outside becomes text, never markup, and characters that one cannot see are spelt out.

import { Float, names as namesOf } from "./json.js";

// Controls, formats (U+202E turns a line round), halves of pairs, and letters without a shape.
const UNSEEN = /[\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115F\u1160\u3164\uFFA0]|(?![\n\t])\p{Cc}/gu;
const MOST_SPELT = 200;

export const byId = (id) => document.getElementById(id);

// el("p", {class: "note", hidden: true}, "text", element, …)
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== ""));
}

// The text with its first `most` characters shown, invisible ones spelt out, and what was left out said in words.
export function visible(text, most = 4000) {
  const shown = document.createDocumentFragment();
  const head = text.length > most ? text.slice(0, most) : text;
  let from = 0;
  let spelt = 0;
  for (const found of head.matchAll(UNSEEN)) {
    shown.append(head.slice(from, found.index));
    const name = `U+${found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    spelt += 1;
    shown.append(spelt > MOST_SPELT ? "\uFFFD" : el("span", { class: "odd", title: "a character without a shape" }, name));
    from = found.index + found[0].length;
  }
  shown.append(head.slice(from));
  if (head.length < text.length) shown.append(el("span", { class: "cut" }, ` … ${count(text.length - most)} more characters`));
  return shown;
}

export const count = (number) => number.toLocaleString("en");

export function code(text, most) {
  return el("code", { dir: "ltr" }, visible(text, most));
}

// A button that copies what `text()` returns, and says so.
export function copyButton(text, words, what) {
  const word = el("span", { "aria-live": "polite" }, words);
  const button = el("button", { type: "button", class: "copy" }, word, el("span", { class: "unseen" }, ` ${what}`));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      word.textContent = "Copied";
    } catch {
      word.textContent = "Not copied";
    }
    setTimeout(() => { word.textContent = words; }, 2000);
  });
  return button;
}

const DEEPEST = 24;
const SHORT = 60;

// JSON of a value with two spaces a level, at most about `most` characters and 24 levels: a hostile token may be deeper.
export function pretty(value, most = 20000) {
  const lines = [];
  let room = most;
  const write = (text) => { room -= text.length; lines.push(text); };
  const walk = (held, indent) => {
    if (room < 0) return;
    if (isAtom(held)) return void write(atom(held));
    const isList = Array.isArray(held);
    const names = isList ? null : namesOf(held);
    const size = isList ? held.length : names.length;
    if (size === 0) return void write(isList ? "[]" : "{}");
    const line = isList && size <= 8 && held.every(isAtom) ? `[${held.map(atom).join(", ")}]` : "";
    if (line && line.length <= SHORT) return void write(line);
    if (indent.length / 2 >= DEEPEST) return void write(isList ? "[…]" : "{…}");
    write(isList ? "[" : "{");
    for (let at = 0; at < size && room >= 0; at += 1) {
      write(`${at ? "," : ""}\n${indent}  `);
      if (!isList) write(`${JSON.stringify(names[at])}: `);
      walk(isList ? held[at] : held[names[at]], `${indent}  `);
    }
    if (room >= 0) write(`\n${indent}${isList ? "]" : "}"}`);
  };
  walk(value, "");
  return lines.join("") + (room < 0 ? "\n… the rest is not shown" : "");
}

const isAtom = (held) => held === null || typeof held !== "object" || held instanceof Float;

function atom(held) {
  if (typeof held === "bigint" || held instanceof Float) return held.toString();
  const text = JSON.stringify(held) ?? String(held);
  return text.length > 20000 ? `${text.slice(0, 20000)}…` : text;
}

// A claim's value in one piece: text as it is, anything else as JSON.
export function plain(value) {
  if (typeof value === "string") return value;
  if (value === undefined) return "";
  return pretty(value, 4000);
}
