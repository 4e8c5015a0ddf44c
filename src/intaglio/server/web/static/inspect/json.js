/**
 * Strict JSON, as the library's `codec` has it: bounded, no duplicates (RFC 8259, RFC 7519 section 4).
 *
 * Whole numbers are numbers, or BigInt beyond 2^53; a number that was written with a point or an exponent and is whole
 * all the same is a `Float`, so that it can be shown as it was meant.
 */
import { CodecError } from "./codec.js";
import { data } from "./data.js";

const FAULTS = data.codec.faults;
// Python gives up at its own limit; the two differ for texts that end before their brackets do, and nowhere else.
const RECURSION = 900;
const ORDER = Symbol("order");
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A whole number that was written as a fraction, such as 1.0 or 1e3. */
export class Float {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
    Object.freeze(this);
  }

  valueOf() {
    return this.value;
  }

  toJSON() {
    return this.value;
  }

  toString() {
    return floatText(this.value);
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const BLANK = /[ \t\n\r]*/y;
// eslint-disable-next-line no-control-regex
const PLAIN = /[^"\\\x00-\x1f]*/y;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const WORDS = { t: ["true", true], f: ["false", false], n: ["null", null] };

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.deepest = 0;
    this.duplicate = false;
  }

  fail() {
    throw new CodecError(FAULTS.json);
  }

  /** @param {RegExp} form sticky @returns {RegExpExecArray} */
  take(form) {
    form.lastIndex = this.at;
    const found = form.exec(this.text) ?? this.fail();
    this.at = form.lastIndex;
    return found;
  }

  /** @param {string} character @returns {boolean} whether it was there and is left behind */
  passes(character) {
    this.take(BLANK);
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  demand(character) {
    if (!this.passes(character)) this.fail();
  }

  whole() {
    const value = this.value(0);
    this.take(BLANK);
    return this.at === this.text.length ? value : this.fail();
  }

  value(depth) {
    this.take(BLANK);
    const next = this.text[this.at];
    if (next === '"') return this.string();
    if (next === "{" || next === "[") return this.nested(next, depth + 1);
    if (next in WORDS) return this.word(next);
    return next === undefined ? this.fail() : this.number();
  }

  nested(opening, depth) {
    if (depth > RECURSION) throw new CodecError(FAULTS.depth);
    this.deepest = Math.max(this.deepest, depth);
    this.at += 1;
    return opening === "{" ? this.object(depth) : this.array(depth);
  }

  word(first) {
    const [spelled, value] = WORDS[first];
    if (!this.text.startsWith(spelled, this.at)) this.fail();
    this.at += spelled.length;
    return value;
  }

  number() {
    const [text, fraction, exponent] = this.take(NUMBER);
    const value = Number(text);
    if (fraction === undefined && exponent === undefined) {
      if (text.length > data.codec.digits) this.fail();
      return Number.isSafeInteger(value) ? value + 0 : BigInt(text);
    }
    if (!Number.isFinite(value)) this.fail();
    return Number.isInteger(value) ? new Float(value) : value;
  }

  string() {
    this.at += 1;
    let value = "";
    for (;;) {
      value += this.take(PLAIN)[0];
      const next = this.text[this.at];
      this.at += 1;
      if (next === '"') return value;
      if (next !== "\\") this.fail();
      value += this.escaped();
    }
  }

  escaped() {
    const sign = this.text[this.at];
    this.at += 1;
    if (sign !== "u") return Object.hasOwn(ESCAPES, sign) ? ESCAPES[sign] : this.fail();
    const unit = this.unit();
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
    // A surrogate counts only as the first of a pair.
    if (unit > 0xdbff || this.text.slice(this.at, this.at + 2) !== "\\u") this.fail();
    this.at += 2;
    const second = this.unit();
    return second >= 0xdc00 && second <= 0xdfff ? String.fromCharCode(unit, second) : this.fail();
  }

  unit() {
    const digits = this.text.slice(this.at, this.at + 4);
    this.at += 4;
    return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : this.fail();
  }

  array(depth) {
    const values = [];
    if (this.passes("]")) return values;
    do values.push(this.value(depth));
    while (this.passes(","));
    this.demand("]");
    return values;
  }

  object(depth) {
    // No prototype: a member called __proto__ is a member.
    const members = Object.create(null);
    const names = [];
    if (!this.passes("}")) {
      do this.member(members, names, depth);
      while (this.passes(","));
      this.demand("}");
    }
    Object.defineProperty(members, ORDER, { value: names });
    return members;
  }

  member(members, names, depth) {
    this.take(BLANK);
    if (this.text[this.at] !== '"') this.fail();
    const name = this.string();
    this.demand(":");
    if (name in members) this.duplicate = true;
    else names.push(name);
    members[name] = this.value(depth);
  }
}

/** @param {Uint8Array} octets @returns {unknown} the value; a CodecError for anything that is not strict JSON */
export function decodeJson(octets) {
  let text;
  try {
    text = utf8.decode(octets);
  } catch {
    throw new CodecError(FAULTS.json);
  }
  const reader = new Reader(text);
  const value = reader.whole();
  if (reader.deepest > data.codec.depth) throw new CodecError(FAULTS.depth);
  if (reader.duplicate) throw new CodecError(FAULTS.duplicate);
  return value;
}

/** @param {Uint8Array} octets @returns {Record<string, unknown>} */
export function decodeJsonObject(octets) {
  const value = decodeJson(octets);
  if (!isObject(value)) throw new CodecError(FAULTS.object);
  return value;
}

/** @param {unknown} value @returns {boolean} whether it is a JSON object */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Float);
}

/** @param {unknown} value @returns {boolean} whether it is a number that was written as a whole one */
export function isWhole(value) {
  return typeof value === "bigint" || Number.isInteger(value);
}

/** @param {object} members @returns {string[]} the names in the order in which they were written */
export function names(members) {
  return members[ORDER] ?? Object.keys(members);
}

/** @param {number} value @returns {string} the shortest text that reads as it, written as the library writes it */
function floatText(value) {
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa, power] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  return (value < 0 ? "-" : "") + placed(digits, Number(power) + 1);
}

/** @param {string} digits @param {number} point how many of them stand before the point @returns {string} */
function placed(digits, point) {
  if (point >= digits.length && point <= 16) return `${digits}${"0".repeat(point - digits.length)}.0`;
  if (point > 0 && point <= 16) return `${digits.slice(0, point)}.${digits.slice(point)}`;
  if (point > -5 && point <= 0) return `0.${"0".repeat(-point)}${digits}`;
  return `${digits[0]}${digits.length > 1 ? "." : ""}${digits.slice(1)}e${point - 1}`;
}

const CONTROLS = { "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\" };

/** @param {string} text @returns {string} */
function quoted(text) {
  const escape = (sign) => CONTROLS[sign] ?? `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // eslint-disable-next-line no-control-regex
  return `"${text.replace(/["\\\x00-\x1f]/g, escape)}"`;
}

/** @param {unknown} value @returns {string} compact JSON, octet for octet the library's */
export function encodeJson(value) {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number") return Number.isInteger(value) ? String(BigInt(value)) : floatText(value);
  if (value instanceof Float) return floatText(value.value);
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(",")}]`;
  if (isObject(value)) return `{${names(value).map((name) => `${quoted(name)}:${encodeJson(value[name])}`).join(",")}}`;
  return String(value ?? null);
}
