/** What is expected of every token, and what is known of one sign-in, checked before use (RFC 8725 section 3). */
import { encodeText, withoutPadding } from "./codec.js";
import { data } from "./data.js";
import { rules as rulesOf } from "./dialects.js";
import { Refused } from "./refusals.js";
import { fill, strip } from "./text.js";

const { says: SAYS, leeway: LEEWAY, unusable: UNUSABLE } = data.policy;
const SECRET = data.steps.secret_algorithm;
const ASYMMETRIC = Object.keys(data.algorithms).filter((name) => data.algorithms[name].key_type !== "oct");

function refuse(name, expected) {
  const detail = { name, expected, rule: fill(UNUSABLE, { name }) };
  throw new Refused("expectation-unusable", detail, fill(SAYS.hint, { name, expected }));
}

const listOf = (value) => (typeof value === "string" ? [value] : value);

/** @param {string} name @param {unknown} value @param {boolean} mayBeEmpty @returns {string[]} */
function namesOf(name, value, mayBeEmpty = false) {
  const listed = listOf(value);
  if (!Array.isArray(listed)) refuse(name, SAYS.names);
  if (!listed.length && !mayBeEmpty) refuse(name, SAYS.one);
  // RFC 8725 3.8, 3.9: an empty expectation would match what a careless issuer leaves empty.
  if (!listed.every((each) => typeof each === "string" && each && strip(each) === each)) refuse(name, SAYS.names);
  return listed;
}

const namesOrNull = (name, value) => ((value ?? null) === null ? null : namesOf(name, value));

function textOf(name, value) {
  const found = value ?? null;
  // An empty value would be a check that looks as if it ran.
  if (found !== null && (typeof found !== "string" || !found)) refuse(name, SAYS.text);
  return found;
}

function secondsOf(name, value, most) {
  const sound = Number.isInteger(value) && value >= 0 && (most === null || value <= most);
  return sound ? value : refuse(name, SAYS.seconds + (most === null ? "" : fill(SAYS.most, { most })));
}

function algorithmsOf(value, secret) {
  const usable = secret ? [...ASYMMETRIC, SECRET] : ASYMMETRIC;
  // RFC 8725 3.1, 3.2: only what was chosen, and never `none`.
  const sound = Array.isArray(value) && value.length > 0 && value.every((name) => usable.includes(name));
  return sound ? value : refuse("algorithms", SAYS.algorithms + usable.join(", "));
}

/** @param {Uint8Array} octets @returns {boolean} whether they are one DER value, as public keys and certificates are */
function isDer(octets) {
  if (octets[0] !== 0x30 || ![0x30, 0x02].includes(octets[octets[1] < 0x80 ? 2 : 2 + (octets[1] & 0x7f)])) return false;
  const [sizes, first] = [octets[1] & 0x7f, octets[1]];
  const size = first < 0x80 ? first : octets.slice(2, 2 + sizes).reduce((sum, octet) => sum * 256 + octet, 0);
  return octets.length === size + (first < 0x80 ? 2 : 2 + sizes);
}

/** @param {string} text @returns {boolean} whether it is a public key in PEM, SSH, JWK or certificate form */
function isPublicKey(text) {
  const { words, prefixes, blobs } = data.secret;
  if (words.some((word) => text.includes(word)) || prefixes.some((prefix) => text.startsWith(prefix))) return true;
  if (text.startsWith("{") && text.includes('"kty"')) return true;
  const plain = withoutPadding(text.replace(/\s/g, "")).replaceAll("-", "+").replaceAll("_", "/");
  if (!/^[A-Za-z0-9+/]+$/.test(plain) || plain.length % 4 === 1) return false;
  const inner = Uint8Array.from(atob(plain), (sign) => sign.charCodeAt(0));
  return isDer(inner) || blobs.some((blob) => atob(plain).startsWith(blob));
}

/** @param {string|null|undefined} value @returns {Uint8Array|null} */
function secretOf(value) {
  if ((value ?? null) === null) return null;
  const octets = encodeText(value);
  // RFC 8725 2.1: with a public key as the secret, whoever reads the key set signs (CVE-2017-11424 and others).
  const { public: rule, public_hint: hint } = data.secret;
  if (isPublicKey(strip(value))) throw new Refused("malformed-key", { rule }, hint);
  // RFC 7518 3.2: a key as long as the hash or longer must be used.
  if (octets.length >= data.secret.octets) return octets;
  throw new Refused("secret-too-short", { rule: data.secret.short }, data.secret.short_hint);
}

/** @param {string[]} issuer @param {object} rules @returns {{issuers: Set<string>, templates: string[]}} */
function issuersOf(issuer, { placeholder, bare_issuer: bare }) {
  const templates = [...new Set(issuer)].filter((each) => placeholder && each.includes(placeholder)).sort();
  const exact = issuer.filter((each) => !templates.includes(each));
  const short = bare ? exact.map((each) => each.replace(/^https:\/\//, "")) : [];
  return { issuers: new Set([...exact, ...short]), templates };
}

/** @param {object} expectation @returns {object} the same; a Refused if no rule looks at what is expected */
function lookedAt(expectation) {
  const { name: dialect, rules } = expectation.rules;
  for (const [name, judge] of Object.entries(data.policy.judged)) {
    // What is expected and what no rule looks at would look as if it were checked.
    const idle = expectation[name] !== null && rules.every((rule) => rule.judge !== judge);
    if (idle) refuse(name, fill(SAYS.unlooked, { dialect }));
  }
  return expectation;
}

/** @param {object} given what the page was told @returns {object} ready for the judges; a Refused for nonsense */
export function expectationOf(given) {
  const rules = rulesOf(given.dialect ?? "standard");
  const secret = secretOf(given.secret);
  const any = given.audience === null;
  const audiences = any ? [] : namesOf("audience", given.audience);
  const usual = secret ? [SECRET] : (rules.algorithms ?? ASYMMETRIC);
  const decryption = given.decryption ?? null;
  if (given.require_encrypted && !decryption) refuse("decryption", SAYS.decryption);
  return lookedAt({
    rules,
    ...issuersOf(namesOf("issuer", given.issuer), rules),
    anyAudience: any,
    audiences: new Set(audiences),
    trusted: new Set([...audiences, ...namesOf("also", given.also ?? [], true)]),
    leeway: secondsOf("leeway", given.leeway ?? rules.leeway, LEEWAY),
    algorithms: algorithmsOf(given.algorithms ?? usual, secret),
    authorized_parties: namesOrNull("authorized_parties", given.authorized_parties),
    organization: textOf("organization", given.organization),
    emails: namesOrNull("emails", given.emails),
    secret,
    decryption,
    require_encrypted: Boolean(given.require_encrypted),
  });
}

/** @param {object} given @returns {object} what is known of the sign-in; a Refused for nonsense */
export function occasionOf(given) {
  const texts = ["nonce", "access_token", "code", "state"].map((name) => [name, textOf(SAYS.sign_in, given[name])]);
  const maxAge = given.max_age ?? null;
  const found = {
    ...Object.fromEntries(texts),
    max_age: maxAge === null ? null : secondsOf("max_age", maxAge, null),
    require_at_hash: Boolean(given.require_at_hash),
  };
  if (found.require_at_hash && found.access_token === null) refuse("require_at_hash", SAYS.at_hash);
  return found;
}
