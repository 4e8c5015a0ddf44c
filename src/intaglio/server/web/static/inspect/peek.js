/** Looks inside a text that may be a token, without believing anything; never throws (RFC 7515, RFC 7516 section 7). */
import { CodecError, decodeBase64url, decodeLenient, encodeText, latin1 } from "./codec.js";
import { data } from "./data.js";
import { decodeJsonObject, isObject } from "./json.js";
import { plainType } from "./judges.js";
import { count, fill, first, length, strip, stripStart, withoutSpace } from "./text.js";

const { problems: SAYS, parts: PARTS } = data.peek;

/**
 * @typedef {object} Unverified
 * @property {string} kind @property {object|null} header @property {object|null} payload
 * @property {string[]} parts @property {string[]} problems @property {string} text what was left of the text
 */

// --- what stands around a token

function spaced(text, problems) {
  let stripped = strip(text);
  if (stripped !== text) problems.push(SAYS.around);
  if (withoutSpace(stripped) !== stripped && [2, 4].includes(count(stripped, "."))) {
    stripped = withoutSpace(stripped);
    problems.push(SAYS.inside);
  }
  return stripped;
}

function addressed(text, problems) {
  const found = /(?:^|[?#&])(?:id_token|id_token_hint)=([^&#]*)/.exec(text);
  if (found) problems.push(SAYS.address);
  return found ? found[1] : text;
}

function escaped(text, problems) {
  const decoded = text.replace(/%([0-7][0-9A-Fa-f])/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
  if (decoded !== text && !problems.includes(SAYS.escapes)) problems.push(SAYS.escapes);
  return decoded;
}

function quoted(text, problems) {
  let inner = text;
  for (const [opening, closing] of data.peek.quotes) {
    if (inner.length > 1 && inner.startsWith(opening) && inner.endsWith(closing)) {
      inner = inner.slice(1, -1);
      problems.push(SAYS.quotes);
    }
  }
  return inner;
}

function prefixed(text, problems) {
  const lowered = first(text, 32).toLowerCase();
  const found = data.peek.prefixes.find(([prefix]) => lowered.startsWith(prefix));
  if (!found) return text;
  problems.push(fill(SAYS.prefix, { prefix: found[1] }));
  return stripStart(text.slice(found[0].length));
}

/** @param {string} text @param {string[]} problems @returns {string} */
function unwrapped(text, problems) {
  let inner = text;
  // Wrappings nest (a quoted "Bearer …" from a log), but not without end.
  for (let round = 0; round < data.peek.rounds; round += 1) {
    if (strip(inner) !== inner) {
      inner = strip(inner);
      problems.push(SAYS.around);
    }
    const before = inner;
    inner = prefixed(quoted(inner, problems), problems);
    if (!inner.startsWith("{")) inner = escaped(addressed(inner, problems), problems);
    if (inner === before) break;
  }
  return spaced(inner, problems);
}

// --- what it looks like

function octetsOf(part, name, problems) {
  try {
    return decodeBase64url(part);
  } catch (fault) {
    const octets = decodeLenient(part);
    const says = octets === null ? SAYS.part : part.endsWith("=") ? SAYS.padded : SAYS.loose;
    problems.push(fill(says, { part: name, fault: fault.message }));
    return octets;
  }
}

function objectOf(part, name, problems) {
  const octets = octetsOf(part, name, problems);
  if (octets === null) return null;
  try {
    return decodeJsonObject(octets);
  } catch (fault) {
    problems.push(fill(SAYS.part, { part: name, fault: fault.message }));
    return null;
  }
}

/** @param {object|null} header @param {object|null} payload @returns {string} what a signed token says it is */
export function kind(header, payload) {
  const typ = typeof header?.typ === "string" ? plainType(header.typ) : "";
  const claims = payload ?? {};
  // OpenID Connect Back-Channel Logout 2.4: the event makes a logout token, typed or not.
  const leaving = isObject(claims.events) && data.peek.logout_event in claims.events;
  if (typ === "logout+jwt" || leaving) return "logout-token";
  // RFC 9068 2.1.
  if (typ === "at+jwt") return "access-token";
  return ["iss", "sub", "aud"].every((name) => name in claims) ? "id-token" : "jws";
}

function signed(parts, problems) {
  const [header, payload] = [objectOf(parts[0], PARTS[0], problems), objectOf(parts[1], PARTS[1], problems)];
  if (header === null && payload === null) return { kind: "opaque", parts };
  const alg = header?.alg;
  if (typeof alg !== "string") problems.push(SAYS.no_alg);
  else if (alg.toLowerCase() === "none") problems.push(SAYS.alg_none);
  if (!parts[2]) problems.push(SAYS.unsigned);
  else octetsOf(parts[2], PARTS[2], problems);
  return { kind: kind(header, payload), header, payload, parts };
}

function encrypted(parts, problems) {
  const header = objectOf(parts[0], PARTS[0], problems);
  if (header === null || !("enc" in header)) problems.push(SAYS.no_enc);
  parts.slice(1).forEach((part, at) => octetsOf(part, PARTS[3 + at], problems));
  return { kind: "jwe", header, parts };
}

function json(text, problems) {
  let members;
  try {
    members = decodeJsonObject(encodeText(text));
  } catch (fault) {
    if (!(fault instanceof CodecError)) throw fault;
    problems.push(fill(SAYS.like_json, { fault: fault.message }));
    return { kind: "opaque" };
  }
  if (!data.peek.json_members.some((name) => name in members)) {
    problems.push(SAYS.no_token);
    return { kind: "opaque" };
  }
  problems.push(SAYS.json);
  return { kind: "json-serialization", parts: [text] };
}

function isSaml(text) {
  const decoded = decodeLenient(withoutSpace(text));
  return text.includes(data.peek.saml) || (decoded !== null && latin1(decoded).includes(data.peek.saml));
}

function look(text, problems) {
  if (!text) {
    problems.push(SAYS.nothing);
    return { kind: "opaque" };
  }
  if (text.startsWith("{")) return json(text, problems);
  if (isSaml(text)) {
    problems.push(SAYS.saml);
    return { kind: "saml" };
  }
  const parts = text.split(".");
  if (parts.length === 3) return signed(parts, problems);
  if (parts.length === 5) return encrypted(parts, problems);
  problems.push(SAYS.no_compact);
  // The last piece holds the rest, however many dots are in it.
  const most = data.limits.peek_parts;
  const bounded = parts.length > most + 1 ? [...parts.slice(0, most), parts.slice(most).join(".")] : parts;
  return { kind: "opaque", parts: parts.length > 1 ? bounded : [] };
}

/**
 * What a text looks like; nothing here was checked, and an attacker may have written all of it.
 *
 * @param {string} text
 * @returns {Unverified}
 */
export function peek(text) {
  const empty = { kind: "opaque", header: null, payload: null, parts: [], problems: [], text: "" };
  if (length(text) > data.limits.peek) return { ...empty, problems: [SAYS.long] };
  const problems = [];
  const stripped = unwrapped(text, problems);
  return { ...empty, ...look(stripped, problems), problems, text: stripped };
}
