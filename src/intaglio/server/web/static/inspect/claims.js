/** The claims of an ID token, with strict types (OpenID Connect Core 1.0 section 2, RFC 7519 sections 2 and 4.1). */
import { data } from "./data.js";
import { Float, isWhole } from "./json.js";

/** In place of a value that is not of the type that the specification demands. */
export const MALFORMED = Symbol("malformed");

/** @param {object} claims @param {string} name @returns {number|null|symbol} whole seconds */
export function instant(claims, name) {
  if (!(name in claims)) return null;
  const value = claims[name] instanceof Float ? claims[name].value : claims[name];
  const fits = typeof value === "number" && value >= 0 && value < data.limits.instant;
  return fits ? Math.floor(value) : MALFORMED;
}

/** @param {object} claims @param {string} name @returns {boolean} whether the claim is absent or a text */
export const isText = (claims, name) => !(name in claims) || typeof claims[name] === "string";

/** @param {object} claims @returns {string[]|null|symbol} */
export function audiences(claims) {
  if (!("aud" in claims)) return null;
  const listed = typeof claims.aud === "string" ? [claims.aud] : claims.aud;
  const sound = Array.isArray(listed) && listed.length > 0 && listed.length <= data.limits.audiences;
  if (!sound || !listed.every((each) => typeof each === "string" && each)) return MALFORMED;
  return new Set(listed).size === listed.length ? listed : MALFORMED;
}

/** @param {unknown} value @returns {Date|null} the instant, rounded to microseconds as the library does */
export function date(value) {
  let at = value instanceof Float ? value.value : typeof value === "boolean" ? Number(value) : value;
  if (typeof at !== "number") return null;
  if (!isWhole(value) && typeof value !== "boolean") at = rounded(at);
  return at >= data.limits.earliest && at <= data.limits.latest ? new Date(at * 1000) : null;
}

/** @param {number} seconds @returns {number} whole seconds, after rounding half even to microseconds */
function rounded(seconds) {
  const whole = Math.trunc(seconds);
  const parts = (seconds - whole) * 1e6;
  let micros = Math.round(parts);
  if (Math.abs(parts - Math.trunc(parts)) === 0.5) micros = 2 * Math.round(parts / 2);
  if (micros >= 1e6) return whole + 1;
  return micros < 0 ? whole - 1 : whole;
}
