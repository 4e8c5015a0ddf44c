/** Strict base64url and UTF-8, as the library's `codec` has them: one text for one value (RFC 7515 section 2). */
import { data } from "./data.js";

const FAULTS = data.codec.faults;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const SEXTETS = new Map([...ALPHABET].map((character, value) => [character.charCodeAt(0), value]));
const UNUSED_BITS = [0, 0, 0b1111, 0b11];
const writer = new TextEncoder();

/** The text is not in the one form that is accepted; the message names the rule, never the text. */
export class CodecError extends Error {}

/** @param {string} text @returns {Uint8Array} its octets in UTF-8; lone surrogates are a CodecError */
export function encodeText(text) {
  if (/\p{Surrogate}/u.test(text)) throw new CodecError(FAULTS.json);
  return writer.encode(text);
}

/** @param {Uint8Array} octets @returns {string} one character for each octet */
export function latin1(octets) {
  let text = "";
  for (let at = 0; at < octets.length; at += 4096) text += String.fromCharCode(...octets.subarray(at, at + 4096));
  return text;
}

/** @param {Uint8Array[]} parts @returns {Uint8Array} */
export function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {string} text @returns {string} the rule that is broken, or nothing */
function base64urlFault(text) {
  for (let at = 0; at < text.length; at += 1) {
    if (!SEXTETS.has(text.charCodeAt(at))) return FAULTS.alphabet + (text.includes("=") ? FAULTS.padding : "");
  }
  if (text.length % 4 === 1) return FAULTS.length;
  const last = text.length ? SEXTETS.get(text.charCodeAt(text.length - 1)) : 0;
  return last & UNUSED_BITS[text.length % 4] ? FAULTS.bits : "";
}

/** @param {string} text canonical or not, of the alphabet alone @returns {Uint8Array} */
function sextets(text) {
  const octets = new Uint8Array(Math.floor((text.length * 3) / 4));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let index = 0; index < text.length; index += 1) {
    held = ((held << 6) | SEXTETS.get(text.charCodeAt(index))) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      octets[at] = (held >> bits) & 0xff;
      at += 1;
    }
  }
  return octets;
}

/**
 * @param {string} text
 * @param {boolean} octets whether the text stands for octets, one character each
 * @returns {Uint8Array}
 */
export function decodeBase64url(text, octets = false) {
  // eslint-disable-next-line no-control-regex
  if (!octets && /[^\x00-\x7f]/.test(text)) throw new CodecError(FAULTS.ascii);
  const fault = base64urlFault(text);
  if (fault) throw new CodecError(fault);
  return sextets(text);
}

/** @param {string} text @returns {string} without the padding at its end */
export function withoutPadding(text) {
  let end = text.length;
  while (text[end - 1] === "=") end -= 1;
  return text.slice(0, end);
}

/** @param {string} text @returns {Uint8Array|null} what a forgiving reader makes of it: both alphabets, padding */
export function decodeLenient(text) {
  const kept = withoutPadding(text).replaceAll("+", "-").replaceAll("/", "_");
  return /^[\w-]*$/.test(kept) && kept.length % 4 !== 1 ? sextets(kept) : null;
}

/** @param {Uint8Array} octets @returns {string} */
export function encodeBase64url(octets) {
  return withoutPadding(btoa(latin1(octets))).replaceAll("+", "-").replaceAll("/", "_");
}
