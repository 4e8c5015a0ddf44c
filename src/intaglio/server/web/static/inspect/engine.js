/**
 * The library's validation in the browser: the same rules, the same order, the same words, report by report.
 *
 * RFC 7515 section 5.2, RFC 7516 section 5.2, RFC 7519 sections 5.2 and 7.2, OpenID Connect Core 3.1.3.7. All rules and
 * all wording come from `data.js`, which is generated from the library.
 */
import { SAYS, STEPS, clocks, failed, made, passed, report, skipped, unable } from "./checks.js";
import { MALFORMED, instant } from "./claims.js";
import { decodeBase64url, encodeBase64url, latin1 } from "./codec.js";
import { data } from "./data.js";
import { expectationOf, occasionOf } from "./expectation.js";
import { decodeJsonObject } from "./json.js";
import { JUDGES } from "./judges.js";
import { decrypt } from "./jwe.js";
import { allow, halfHash, isSignedBy, mac, read, translated } from "./jws.js";
import { candidates } from "./keys.js";
import { kind, peek } from "./peek.js";
import { Refused, Unable } from "./refusals.js";
import { count, fill, first, length, shown, strip } from "./text.js";
import { holds, render } from "./words.js";

export { toText } from "./checks.js";
export { readDecryptionKeys } from "./decryption.js";
export { dialects, discoveryUri, guessDialect, instants, meaning, rules } from "./dialects.js";
export { decrypt } from "./jwe.js";
export { readKeySet } from "./keys.js";
export { peek } from "./peek.js";
export { Refused, Unable } from "./refusals.js";

const { kind_codes: KIND_CODES, secret_algorithm: SECRET } = data.steps;

// --- form and encryption

/** A fault before the token could be read, and the step at which it came to light. */
class Unopened extends Error {
  /** @param {Refused|Unable} fault @param {string} step */
  constructor(fault, step) {
    super(step);
    this.fault = fault;
    this.step = step;
  }
}

/** @param {string} text @returns {object|null} the JSON object in its first part, if there is one */
function firstPart(text) {
  try {
    return decodeJsonObject(decodeBase64url(first(text, data.limits.header).split(".", 1)[0]));
  } catch {
    return null;
  }
}

/** @param {string} text @returns {boolean} RFC 7516 section 9: five parts, and a header that names an encryption */
function looksEncrypted(text) {
  // The bound comes before any work on the text.
  if (length(text) > data.limits.encrypted || count(text, ".") !== 4) return false;
  return "enc" in (firstPart(text) ?? {});
}

function refuseOtherContent({ cty }) {
  // RFC 7519 5.2: must be there for a nested token; a JWE alone proves nothing about who wrote it.
  if (typeof cty === "string" && cty.toUpperCase() === "JWT") return;
  throw new Refused("header-unsupported", { rule: SAYS.content });
}

/** @param {string} text @param {Check} encryption @param {boolean} octets */
function opened(text, encryption, octets = false) {
  const parts = read(text, octets);
  try {
    return { parts, claims: decodeJsonObject(parts.payload), encryption };
  } catch (fault) {
    throw translated(fault, { part: "payload" });
  }
}

function unencrypted(text, expectation) {
  const refusal = new Refused("token-not-encrypted", { received: SAYS["not encrypted"] });
  const required = failed("encryption", refusal, SAYS.encrypted);
  return opened(text, expectation.require_encrypted ? required : skipped("encryption", "plain"));
}

async function decrypted(text, keys) {
  try {
    const inner = await decrypt(text, keys);
    refuseOtherContent(inner.header);
    return inner;
  } catch (fault) {
    const step = fault instanceof Refused && fault.code === "token-malformed" ? "form" : "encryption";
    throw fault instanceof Refused || fault instanceof Unable ? new Unopened(fault, step) : fault;
  }
}

async function open(text, expectation) {
  if (!looksEncrypted(text)) return unencrypted(text, expectation);
  if (expectation.decryption === null) throw new Refused("token-encrypted", { received: SAYS.jwe });
  const inner = await decrypted(text, expectation.decryption);
  const encryption = passed("encryption", SAYS.encrypted, `${inner.alg}, ${inner.enc}`);
  return opened(latin1(inner.plaintext), encryption, true);
}

function unopenedStep(name, step, fault) {
  if (name !== step) return name === "form" ? passed(name, SAYS.form, SAYS.jwe) : skipped(name, "unread");
  if (fault instanceof Unable) return unable(name, "unopenable here", fault.message);
  return failed(name, fault, SAYS[step === "encryption" ? "encrypted" : "form"]);
}

/** @param {string} text @returns {[string, Refused|null]} its kind, and the refusal that says so if it is no token */
function look(text) {
  const encrypted = looksEncrypted(text);
  if (length(text) > data.limits.signed && !encrypted) return ["opaque", null];
  const seen = peek(text).kind;
  const looks = seen === "jwe" && !encrypted ? "opaque" : seen;
  // What is empty, or has parts or the header of a token and then goes wrong, is a bad token.
  const bad = !strip(text) || count(text, ".") > 1 || firstPart(text) !== null;
  if ((looks === "opaque" && bad) || !Object.hasOwn(KIND_CODES, looks)) return [looks, null];
  return [looks, new Refused(KIND_CODES[looks], { received: SAYS[looks] })];
}

function unopened({ fault: found, step }, text, expectation, now, skew) {
  const [looks, other] = look(text);
  const replaced = step === "form" && found.code === "token-malformed" && other !== null && looks !== "jwe";
  const fault = replaced ? other : found;
  const steps = STEPS.map((name) => unopenedStep(name, step, fault));
  const rules = expectation.rules.rules.map(({ name, spec }) => made(name, "skipped", spec, { hint: SAYS.unread }));
  return report([...steps, ...rules], expectation, looks, clocks(now, null, skew), false);
}

// --- algorithm, key, signature

function algorithm({ parts }, expectation) {
  try {
    return passed("algorithm", expectation.algorithms.join(", "), allow(parts.header, expectation.algorithms));
  } catch (fault) {
    return fault instanceof Refused ? failed("algorithm", fault) : Promise.reject(fault);
  }
}

const invalid = new Refused("signature-invalid", { received: SAYS.unsigned });
const unsigned = (expected) => failed("signature", invalid, expected);

async function keyed({ parts }, expectation) {
  const key = passed("key", SAYS["secret key"], SAYS["secret key"]);
  const expected = SAYS["secret signature"];
  const made = expectation.secret && (await mac(expectation.secret, "SHA-256", parts.signingInput));
  const good = made && encodeBase64url(made) === encodeBase64url(parts.signature);
  const signature = good ? passed("signature", expected, fill(SAYS.signed, { alg: SECRET })) : unsigned(expected);
  return { key, signature, signer: null };
}

async function signed(opened_, expectation, keys, why) {
  const { parts } = opened_;
  const { alg, kid = SAYS["no kid"] } = parts.header;
  if (alg === SECRET) return keyed(opened_, expectation);
  let found;
  try {
    if (keys === null) throw new Refused("keys-unavailable", { received: why });
    found = candidates(parts.header, keys);
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    return { key: failed("key", fault, SAYS.key), signature: skipped("signature", "keyless"), signer: null };
  }
  return { key: passed("key", SAYS.key, shown(kid)), ...(await signedBy(found, alg, parts)) };
}

async function signedBy(found, alg, parts) {
  let able = true;
  for (const signer of found) {
    try {
      if (await isSignedBy(signer, alg, parts)) {
        return { signature: passed("signature", SAYS.signature, fill(SAYS.signed, { alg })), signer };
      }
    } catch (fault) {
      if (!(fault instanceof Unable)) throw fault;
      able = false;
    }
  }
  const signature = able ? unsigned(SAYS.signature) : unable("signature", "uncheckable here", alg);
  return { signature, signer: null };
}

function notAllowed() {
  return { key: skipped("key", "not allowed"), signature: skipped("signature", "not allowed"), signer: null };
}

// --- the rules

function judged(rule, facts) {
  const code = JUDGES[rule.judge](facts, rule.settings);
  const idle = code === null && rule.idle.find(([condition]) => holds(condition, facts, rule));
  if (idle) return made(rule.name, "skipped", rule.spec, { hint: idle[1] });
  return made(rule.name, code === null ? "pass" : "fail", rule.spec, {
    code: code ?? "",
    expected: render(rule.expected, facts, rule),
    received: render(rule.received, facts, rule),
    hint: data.hints[code] ?? "",
  });
}

async function hashesOf(occasion, alg) {
  const found = {};
  for (const name of ["access_token", "code", "state"]) {
    // Where nothing can be hashed, no hash matches: fails closed.
    const octets = await halfHash(occasion[name], alg).catch(() => null);
    found[name] = octets && encodeBase64url(octets);
  }
  return found;
}

// --- the report

/**
 * Check a token and report, check by check; never throws for a bad token.
 *
 * @param {string} text
 * @param {object} expectation issuer, audience (null: any, unsafe), dialect, leeway, algorithms, also,
 *   authorized_parties, organization, emails, secret, decryption, require_encrypted
 * @param {{keys: object[]}|null} keys what `readKeySet` gave; null if they could not be had, which fails
 * @param {number} now epoch seconds
 * @param {object} occasion nonce, access_token, code, state, max_age, require_at_hash
 * @param {number|null} skew seconds that the issuer's clock was ahead, if that is known
 * @param {string} why the keys could not be had, if they could not
 * @returns {Promise<import("./checks.js").Report>}
 * @throws {Refused} with code `expectation-unusable`, `dialect-unknown`, `malformed-key` or `secret-too-short`
 */
export async function check(text, expectation, keys, now, occasion = {}, skew = null, why = data.words.no_keys) {
  const [expected, known] = [expectationOf(expectation), occasionOf(occasion)];
  let found;
  try {
    found = await open(text, expected);
  } catch (fault) {
    const stopped = fault instanceof Refused ? new Unopened(fault, "form") : fault;
    if (!(stopped instanceof Unopened)) throw fault;
    return unopened(stopped, text, expected, now, skew);
  }
  const given = { keys, why, now, occasion: known, skew };
  return judge(found, looksEncrypted(text), expected, given);
}

async function judge(found, wasEncrypted, expectation, { keys, why, now, occasion, skew }) {
  const { parts, claims, encryption } = found;
  const form = passed("form", SAYS.form, SAYS[wasEncrypted ? "opened" : "read"]);
  const allowed = await algorithm(found, expectation);
  const checked = allowed.outcome === "pass" ? await signed(found, expectation, keys, why) : notAllowed();
  const { key, signature, signer } = checked;
  const hashes = await hashesOf(occasion, parts.header.alg);
  const facts = { claims, header: parts.header, expectation, occasion, now, key: signer, hashes };
  const rules = expectation.rules.rules.map((rule) => judged(rule, facts));
  const checks = [form, encryption, allowed, key, signature, ...rules];
  // The signature must have passed, not merely not failed: a check that was skipped believes nothing.
  const sound = signature.outcome === "pass" && checks.every(({ outcome }) => outcome !== "fail");
  const issued = instant(claims, "iat");
  const both = clocks(now, issued === MALFORMED ? null : issued, skew);
  return report(checks, expectation, kind(parts.header, claims), both, sound);
}
