/** Keys that tokens are decrypted with: read strictly from a JWK, a JWK Set or PEM (RFC 7517, RFC 7518, RFC 5958). */
import { CodecError, decodeBase64url, encodeBase64url, withoutPadding } from "./codec.js";
import { data } from "./data.js";
import { isObject } from "./json.js";
import { document, entries, malformed, readPublic } from "./keys.js";
import { factors, fromOctets, inverse, isOnCurve, toOctets } from "./numbers.js";
import { Refused, able, subtle } from "./refusals.js";

const RULES = data.texts.keys;
const PEM = /^-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----$/;
const CRT = ["p", "q", "dp", "dq", "qi"];
const CANDIDATES = [
  { name: "RSA-OAEP", hash: "SHA-256" },
  ...["P-256", "P-384", "P-521"].map((namedCurve) => ({ name: "ECDH", namedCurve })),
  { name: "X25519" },
];

/**
 * @typedef {object} DecryptionKey
 * @property {string} type its kty @property {string|null} curve @property {object|null} members of a private JWK
 * @property {Uint8Array|null} octets of a shared secret
 * @property {string|null} alg @property {string|null} kid @property {Set<string>} usable
 */

const noSuchKey = () => new Refused("malformed-key", { rule: RULES.none_private });

/** @param {object} members @param {string} name @returns {Uint8Array} */
function octetsOf(members, name) {
  if (typeof members[name] !== "string") throw noSuchKey();
  try {
    return decodeBase64url(members[name]);
  } catch (fault) {
    throw fault instanceof CodecError ? noSuchKey() : fault;
  }
}

// --- what the owner says it is for

function claimsOf(members) {
  const found = {};
  for (const name of ["alg", "kid", "use"]) {
    found[name] = members[name] ?? null;
    if (found[name] !== null && typeof found[name] !== "string") malformed("claims", {}, "");
  }
  found.key_ops = members.key_ops ?? null;
  const listed = Array.isArray(found.key_ops) && found.key_ops.every((each) => typeof each === "string");
  if (found.key_ops !== null && !listed) malformed("claims", {}, "");
  const known = [data.jwe.algorithms, data.jwe.encryptions];
  if (found.alg !== null && !known.some((table) => Object.hasOwn(table, found.alg))) malformed("not_encrypting");
  return found;
}

/** @param {DecryptionKey} key @param {string} name @returns {boolean} */
function serves(key, name) {
  const algorithm = data.jwe.algorithms[name];
  const named = [null, name].includes(key.alg) || (name === "dir" && Object.hasOwn(data.jwe.encryptions, key.alg));
  const operations = data.jwe.operations[algorithm.family];
  const permitted = key.key_ops === null || operations.some((each) => key.key_ops.includes(each));
  const long = key.type !== "oct" || [0, key.octets.length].includes(algorithm.octets);
  return algorithm.key_types.includes(key.type) && named && long && permitted;
}

/** @param {object} key @returns {DecryptionKey} with what it may serve; a Refused if that is nothing */
function bound(key) {
  const names = [null, "enc"].includes(key.use) ? Object.keys(data.jwe.algorithms) : [];
  const usable = new Set(names.filter((name) => serves(key, name)));
  if (!usable.size) malformed("not_decrypting");
  return { ...key, usable };
}

/** @param {DecryptionKey} key @param {string} alg @param {string} enc @returns {boolean} */
export function fits(key, alg, enc) {
  if (!key.usable.has(alg)) return false;
  // RFC 7518 4.5: the shared key is the content encryption key. RFC 7517 4.4: its alg may be the enc it is for.
  const long = () => key.octets.length === data.jwe.encryptions[enc].key_octets;
  return alg !== "dir" || (long() && [null, "dir", enc].includes(key.alg));
}

// --- what it is made of

function readSecret(members) {
  const octets = octetsOf(members, "k");
  if (!data.jwe.secret_octets.includes(octets.length)) malformed("secret");
  return { type: "oct", curve: null, members: null, octets };
}

/** @param {Record<string, bigint>} of @returns {boolean} whether the numbers of an RSA key belong together */
function belong({ n, e, d, p, q, dp, dq, qi }) {
  const odd = p > 2n && q > 2n && p * q === n;
  const shortcuts = odd && dp === d % (p - 1n) && dq === d % (q - 1n) && qi === inverse(q, p);
  return shortcuts && isInverse(e, d, p) && isInverse(e, d, q);
}

const isInverse = (e, d, prime) => (e * d) % (prime - 1n) === 1n;

function readRsa(members) {
  readPublic(members);
  const given = ["d", ...CRT].filter((name) => name in members);
  const of = { n: fromOctets(octetsOf(members, "n")), e: fromOctets(octetsOf(members, "e")) };
  for (const name of given) of[name] = fromOctets(octetsOf(members, name));
  // RFC 7518 6.3.2: all of them or none; no more than two primes.
  if ("oth" in members || !("d" in of) || ![1, 1 + CRT.length].includes(given.length)) throw noSuchKey();
  if (given.length === 1) recover(of);
  if (!belong(of)) throw noSuchKey();
  const whole = Object.entries(of).map(([name, number]) => [name, encodeBase64url(toOctets(number))]);
  return { type: "RSA", curve: null, members: { kty: "RSA", ...Object.fromEntries(whole) }, octets: null };
}

function recover(of) {
  const [p, q] = factors(of.n, of.e, of.d) ?? [];
  if (!p) throw noSuchKey();
  Object.assign(of, { p, q, dp: of.d % (p - 1n), dq: of.d % (q - 1n), qi: inverse(q, p) });
}

/** @param {object} members @returns {{curve: string, members: object}} the public half of an EC or OKP key */
export function readAgreement(members) {
  const { kty, crv } = members;
  const sizes = data.jwe.coordinates;
  if (typeof crv !== "string" || !Object.hasOwn(sizes, crv)) throw noSuchKey();
  if (kty !== (Object.hasOwn(data.keys.curves, crv) ? "EC" : "OKP")) throw noSuchKey();
  const names = kty === "EC" ? ["x", "y"] : ["x"];
  if (names.some((name) => octetsOf(members, name).length !== sizes[crv])) throw noSuchKey();
  // RFC 8725 3.4: no point off its curve.
  if (kty === "EC" && !isOnCurve(crv, octetsOf(members, "x"), octetsOf(members, "y"))) throw noSuchKey();
  return { curve: crv, members: Object.fromEntries(["kty", "crv", ...names].map((name) => [name, members[name]])) };
}

/** @param {string} curve @returns {object} the parameters by which WebCrypto knows it */
export const agreementOf = (curve) => (curve.startsWith("P-") ? { name: "ECDH", namedCurve: curve } : { name: curve });

async function readAgreeing(members) {
  const { curve, members: half } = readAgreement(members);
  if (octetsOf(members, "d").length !== data.jwe.coordinates[curve]) throw noSuchKey();
  const whole = { ...half, d: members.d };
  try {
    await subtle.importKey("jwk", whole, agreementOf(curve), false, ["deriveBits"]);
  } catch (fault) {
    // Where the browser has not the curve, `d` is looked at no further: nothing can be opened with it here.
    if (fault.name !== "NotSupportedError") throw noSuchKey();
  }
  if (curve === "X25519" && !(await isHalfOf(whole))) throw noSuchKey();
  return { type: half.kty, curve, members: whole, octets: null };
}

/** @param {object} whole an X25519 JWK @returns {Promise<boolean>} whether `x` is what `d` makes of the base point */
async function isHalfOf(whole) {
  try {
    const [name, base] = [{ name: "X25519" }, Uint8Array.from({ length: 32 }, (_, at) => (at ? 0 : 9))];
    const ours = await subtle.importKey("jwk", whole, name, false, ["deriveBits"]);
    const point = await subtle.importKey("raw", base, name, false, []);
    const made = await subtle.deriveBits({ ...name, public: point }, ours, 256);
    return encodeBase64url(new Uint8Array(made)) === whole.x;
  } catch (fault) {
    return fault.name === "NotSupportedError";
  }
}

// --- reading

/** @param {object} members @returns {Promise<DecryptionKey>} */
async function readPrivate(members) {
  const claims = claimsOf(members);
  const readers = { oct: readSecret, RSA: readRsa };
  const known = typeof members.kty === "string" && Object.hasOwn(readers, members.kty);
  const reader = known ? readers[members.kty] : readAgreeing;
  return bound({ ...(await reader(members)), ...claims });
}

/** @param {string} text @returns {Promise<DecryptionKey>} */
async function readPem(text) {
  const body = withoutPadding(PEM.exec(text.trim())?.[1].replace(/\s/g, "") ?? "");
  if (!body || text.length > data.limits.pem) malformed("pem", {}, RULES.pem_hint);
  const der = decodeBase64url(body.replaceAll("+", "-").replaceAll("/", "_"));
  for (const candidate of CANDIDATES) {
    const usages = candidate.name === "RSA-OAEP" ? ["decrypt"] : ["deriveBits"];
    const key = await subtle.importKey("pkcs8", der, candidate, true, usages).catch(() => null);
    if (key) {
      const { ext, key_ops, alg, ...members } = await able(subtle.exportKey("jwk", key));
      return readPrivate(members);
    }
  }
  return malformed("pem", {}, RULES.pem_hint);
}

/**
 * Read what decrypts: a JWK or a JWK Set as text or object, or a PKCS #8 key in PEM.
 *
 * @param {string|object} given
 * @returns {Promise<{keys: DecryptionKey[], skipped: string[]}>}
 * @throws {Refused} with code `malformed-key`
 */
export async function readDecryptionKeys(given) {
  if (typeof given === "string" && given.includes("-----BEGIN")) {
    try {
      return { keys: [await readPem(given)], skipped: [] };
    } catch (fault) {
      return fault instanceof CodecError ? malformed("pem", {}, RULES.pem_hint) : Promise.reject(fault);
    }
  }
  const found = document(given);
  if (isObject(found) && "kty" in found && !("keys" in found)) return { keys: [await readPrivate(found)], skipped: [] };
  const [keys, skipped] = [[], []];
  for (const [position, members] of entries(found).entries()) {
    try {
      keys.push(await readPrivate(members));
    } catch (refusal) {
      if (!(refusal instanceof Refused)) throw refusal;
      skipped.push(`${RULES.position.replace("{position}", position)}${refusal.rule}`);
    }
  }
  return { keys, skipped };
}
