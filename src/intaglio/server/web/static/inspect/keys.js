/** Public keys of an issuer: read strictly, chosen by kid, use and algorithm (RFC 7517, RFC 7518 section 6). */
import { CodecError, decodeBase64url, encodeText } from "./codec.js";
import { data } from "./data.js";
import { decodeJson, isObject } from "./json.js";
import { bits, fromOctets, isOnCurve, isRoca } from "./numbers.js";
import { Refused } from "./refusals.js";
import { fill, first } from "./text.js";

const RULES = data.texts.keys;
const PRIVATE = new Set(data.keys.private_members);

/**
 * @typedef {object} VerificationKey
 * @property {Record<string, string>} public the members that define the key
 * @property {string} type its kty
 * @property {string|null} curve its crv
 * @property {number} bits of an RSA modulus
 * @property {string|null} alg @property {string|null} kid @property {string|null} use
 * @property {string[]|null} key_ops @property {string|null} issuer
 * @property {Set<string>} usable the algorithms whose signatures it may check
 */

/** @param {string} rule a name of a sentence @param {Record<string, string>} places @param {string} hint */
export function malformed(rule, places = {}, hint = RULES.hint) {
  throw new Refused("malformed-key", { rule: fill(RULES[rule], places) }, hint);
}

/** @param {object} members @param {string} name @returns {Uint8Array} */
export function octetsOf(members, name) {
  const value = members[name];
  if (typeof value !== "string") malformed("missing", { name });
  try {
    return decodeBase64url(value);
  } catch {
    throw new Refused("malformed-key", { rule: RULES.encoding.replace("{name}", name) });
  }
}

function noSuchKey() {
  throw new Refused("malformed-key", { rule: RULES.none });
}

/** @param {object} members @returns {{public: object, type: string, curve: null, bits: number}} */
function readRsa(members) {
  const [modulus, exponent] = [octetsOf(members, "n"), octetsOf(members, "e")];
  if (!modulus[0] || !exponent[0]) malformed("zeros");
  const [n, e] = [fromOctets(modulus), fromOctets(exponent)];
  const size = bits(n);
  if (size < data.keys.rsa.minimum || size > data.keys.rsa.maximum || n % 2n === 0n) malformed("modulus");
  if (e <= 2n || e % 2n === 0n || bits(e) > data.keys.rsa.exponent) malformed("exponent");
  if (isRoca(n)) malformed("roca");
  return { public: { kty: "RSA", n: members.n, e: members.e }, type: "RSA", curve: null, bits: size };
}

function readEc(members) {
  const curve = typeof members.crv === "string" ? members.crv : "";
  if (!Object.hasOwn(data.keys.curves, curve)) malformed("curve");
  const [x, y] = [octetsOf(members, "x"), octetsOf(members, "y")];
  const size = data.keys.curves[curve].octets;
  if (x.length !== size || y.length !== size) malformed("coordinates");
  if (!isOnCurve(curve, x, y)) noSuchKey();
  return { public: { kty: "EC", crv: curve, x: members.x, y: members.y }, type: "EC", curve, bits: 0 };
}

function readOkp(members) {
  if (members.crv !== "Ed25519") malformed("curve");
  if (octetsOf(members, "x").length !== 32) noSuchKey();
  return { public: { kty: "OKP", crv: "Ed25519", x: members.x }, type: "OKP", curve: "Ed25519", bits: 0 };
}

function readAkp(members) {
  const alg = typeof members.alg === "string" ? members.alg : "";
  if (!Object.hasOwn(data.keys.lattices, alg)) malformed("alg");
  if (octetsOf(members, "pub").length !== data.keys.lattices[alg]) noSuchKey();
  return { public: { kty: "AKP", alg, pub: members.pub }, type: "AKP", curve: null, bits: 0 };
}

const READERS = { RSA: readRsa, EC: readEc, OKP: readOkp, AKP: readAkp };

/** @param {object} members @returns {object} what the members define; a Refused with `malformed-key` */
export function readPublic(members) {
  const kty = typeof members.kty === "string" ? members.kty : "";
  return Object.hasOwn(READERS, kty) ? READERS[kty](members) : malformed("kty");
}

/** @param {string} name of an algorithm @param {object} key @returns {boolean} whether type, curve and size fit */
function fits(name, key) {
  const algorithm = data.algorithms[name];
  if (key.type === "AKP") return key.public.alg === name;
  return algorithm.key_type === key.type && algorithm.curve === key.curve;
}

function textOf(members, name) {
  const value = members[name] ?? null;
  return value === null || typeof value === "string" ? value : malformed("text", { name });
}

/** @param {object} key @returns {Set<string>} */
function usable(key) {
  // RFC 7517 4.2, 4.3: a key meant for something else checks no signature.
  if (![null, "sig"].includes(key.use) || (key.key_ops && !key.key_ops.includes("verify"))) return new Set();
  const known = Object.keys(data.algorithms).filter((name) => data.algorithms[name].key_type !== "oct");
  return new Set(known.filter((name) => [null, name].includes(key.alg) && fits(name, key)));
}

/** @param {object} members @returns {VerificationKey} */
function read(members) {
  // RFC 7517 9.2: private material in a published key means that it is public already.
  if (isPrivate(members)) malformed("private");
  const [alg, operations] = [textOf(members, "alg"), members.key_ops ?? null];
  const listed = Array.isArray(operations) && operations.every((each) => typeof each === "string");
  if (operations !== null && !listed) malformed("operations");
  if ("issuer" in members && typeof members.issuer !== "string") malformed("issuer");
  const key = readPublic(members);
  if (alg !== null && !(isAsymmetric(alg) && fits(alg, key))) malformed("alg");
  const named = { alg, kid: textOf(members, "kid"), use: textOf(members, "use"), key_ops: operations };
  const whole = { ...key, ...named, issuer: members.issuer ?? null };
  return { ...whole, usable: usable(whole) };
}

const isAsymmetric = (alg) => Object.hasOwn(data.algorithms, alg) && data.algorithms[alg].key_type !== "oct";
const isPrivate = (members) => Object.keys(members).some((name) => PRIVATE.has(name));

/** @param {string|object} given JSON text, or what was read from it @returns {unknown} a strict reading of it */
export function document(given) {
  try {
    return decodeJson(encodeText(typeof given === "string" ? given : JSON.stringify(given)));
  } catch (fault) {
    if (!(fault instanceof CodecError)) throw fault;
    throw new Refused("malformed-key", { rule: fault.message }, RULES.hint);
  }
}

/** @param {unknown} found @returns {object[]} the entries of a JWK Set */
export function entries(found) {
  const listed = isObject(found) ? found.keys : null;
  if (!Array.isArray(listed) || !listed.every(isObject)) malformed("set");
  if (listed.length > data.limits.keys) malformed("many");
  return listed;
}

/**
 * Read a JWK Set, given as JSON text or as an object; keys that cannot be used are skipped, and `skipped` says why.
 *
 * @param {string|object} given
 * @returns {{keys: VerificationKey[], skipped: string[]}}
 * @throws {Refused} with code `malformed-key`
 */
export function readKeySet(given) {
  const listed = entries(document(given));
  if (listed.some(isPrivate)) malformed("private");
  return collect(listed, read);
}

/** @param {object[]} listed @param {(members: object) => object} reader */
function collect(listed, reader) {
  const [keys, skipped] = [[], []];
  listed.forEach((members, position) => {
    try {
      keys.push(reader(members));
    } catch (refusal) {
      if (!(refusal instanceof Refused)) throw refusal;
      skipped.push(`${RULES.position.replace("{position}", position)}${refusal.rule}`);
    }
  });
  return { keys, skipped };
}

const identity = (key) => JSON.stringify(Object.values(key.public));

/**
 * The keys that may have signed: by kid where there is one, by algorithm, type and use always.
 *
 * @param {object} header @param {{keys: VerificationKey[]}} set
 * @returns {VerificationKey[]}
 */
export function candidates(header, set) {
  const { alg, kid = null } = header;
  // RFC 7515 4.1.2, 4.1.3, 4.1.5, 4.1.6: a key that travels with a token proves nothing about it.
  const named = kid === null ? set.keys : set.keys.filter((key) => key.kid === kid);
  const found = named.filter((key) => key.usable.has(alg));
  const received = kid === null ? null : first(kid, 128);
  if (found.length > 1 && kid !== null && found.some((key) => identity(key) !== identity(found[0]))) {
    throw new Refused("key-unknown", { received }, data.texts.jws.several);
  }
  if (!found.length) {
    const hint = named.length ? data.texts.jws.unfit : data.texts.jws.unnamed;
    const kids = new Set(set.keys.map((key) => key.kid).filter((each) => each !== null));
    throw new Refused("key-unknown", { received, expected: [...kids].slice(0, 20) }, hint);
  }
  return found.slice(0, data.limits.candidates);
}
