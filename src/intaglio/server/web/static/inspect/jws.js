/** Compact signatures: taken apart strictly and checked by WebCrypto (RFC 7515, RFC 7518 section 3, RFC 8725). */
import { CodecError, decodeBase64url, encodeText } from "./codec.js";
import { data } from "./data.js";
import { decodeJsonObject } from "./json.js";
import { shake256 } from "./keccak.js";
import { Refused, Unable, able, subtle } from "./refusals.js";
import { count, first, length, sorted } from "./text.js";

const RULES = data.texts.jws;
const HASHES = { sha1: "SHA-1", sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };

/** @param {string} name of a hash, as the library has it @returns {string} as WebCrypto has it */
export const hashName = (name) => HASHES[name];

/** @typedef {{header: object, payload: Uint8Array, signature: Uint8Array, signingInput: Uint8Array}} Segments */

function refuse(detail, hint = "", code = "token-malformed") {
  throw new Refused(code, detail, hint);
}

/** @param {string} segment @param {boolean} octets @returns {object} */
function readHeader(segment, octets) {
  let header;
  try {
    header = decodeJsonObject(decodeBase64url(segment, octets));
  } catch (fault) {
    throw translated(fault, { part: "header" });
  }
  if (typeof header.alg !== "string") refuse({ part: "header", rule: RULES.alg });
  if ("kid" in header && typeof header.kid !== "string") refuse({ part: "header", rule: RULES.kid });
  // RFC 7515 4.1.11: an extension that must be understood and is not; this holds for b64 (RFC 7797) as well.
  if ("crit" in header || "b64" in header) refuse({ rule: RULES.crit }, "", "header-unsupported");
  // RFC 7516 4.1.2: enc belongs to encrypted tokens; a signed token that carries it is a disguise.
  if ("enc" in header || "zip" in header) refuse({ rule: RULES.enc }, "", "header-unsupported");
  return header;
}

/** @param {unknown} fault @param {object} more @returns {unknown} a Refused in place of a CodecError */
export function translated(fault, more = {}) {
  return fault instanceof CodecError ? new Refused("token-malformed", { ...more, rule: fault.message }) : fault;
}

/**
 * The decoded parts of a compact JWS; no signature is checked.
 *
 * @param {string} text
 * @param {boolean} octets whether the text stands for octets, one character each
 * @returns {Segments}
 */
export function read(text, octets = false) {
  // RFC 8725 3.9 and common sense: the bound comes before any work on the text.
  if (length(text) > data.limits.signed) refuse({ rule: RULES.long });
  // eslint-disable-next-line no-control-regex
  if (!octets && /[^\x00-\x7f]/.test(text)) refuse({ rule: RULES.ascii });
  const parts = text.split(".", 4);
  if (parts.length !== 3) refuse({ rule: RULES.parts }, count(text, ".") === 4 ? RULES.five : "");
  const header = readHeader(parts[0], octets);
  try {
    const [payload, signature] = [decodeBase64url(parts[1], octets), decodeBase64url(parts[2], octets)];
    return { header, payload, signature, signingInput: encodeText(`${parts[0]}.${parts[1]}`) };
  } catch (fault) {
    throw translated(fault);
  }
}

/** @param {object} header @param {string[]} allowed @returns {string} the algorithm, which is one of those */
export function allow(header, allowed) {
  // RFC 8725 3.1: the verifier decides; `none` is in no table.
  if (!allowed.includes(header.alg)) {
    refuse({ received: first(header.alg, 64), expected: sorted(new Set(allowed)) }, "", "forbidden-algorithm");
  }
  return header.alg;
}

const PARAMETERS = {
  "rsa-pkcs1": (hash) => [{ name: "RSASSA-PKCS1-v1_5", hash }, { name: "RSASSA-PKCS1-v1_5" }],
  // RFC 7518 3.5: the salt is as long as the hash.
  "rsa-pss": (hash) => [{ name: "RSA-PSS", hash }, { name: "RSA-PSS", saltLength: Number(hash.slice(4)) / 8 }],
  ecdsa: (hash, curve) => [{ name: "ECDSA", namedCurve: curve }, { name: "ECDSA", hash }],
  eddsa: (hash, curve) => [{ name: curve }, { name: curve }],
};

/** @param {Uint8Array} signature @param {string} curve @returns {boolean} whether r and s are in 1 … n-1 */
function isInRange(signature, curve) {
  const half = signature.length / 2;
  const hex = (octets) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
  const order = data.keys.curves[curve].order;
  // FIPS 186-5 6.4.2. Digits of one length compare as the numbers that they write.
  return [signature.slice(0, half), signature.slice(half)].every((part) => hex(part) < order && part.some(Boolean));
}

/**
 * Whether the signature is this key's; an Unable if this browser has not the algorithm.
 *
 * @param {import("./keys.js").VerificationKey} key @param {string} alg @param {Segments} parts
 * @returns {Promise<boolean>}
 */
export async function isSignedBy(key, alg, parts) {
  const algorithm = data.algorithms[alg];
  const octets = algorithm.signature_octets;
  if (octets && parts.signature.length !== octets) return false;
  if (algorithm.family === "ecdsa" && !isInRange(parts.signature, algorithm.curve)) return false;
  if (!Object.hasOwn(PARAMETERS, algorithm.family)) throw new Unable(alg);
  const [imported, used] = PARAMETERS[algorithm.family](hashName(algorithm.hash), algorithm.curve);
  const ready = await able(subtle.importKey("jwk", { ...key.public }, imported, false, ["verify"]));
  return able(subtle.verify(used, ready, parts.signature, parts.signingInput));
}

/** @param {Uint8Array} secret @param {string} hash @param {Uint8Array} message @returns {Promise<Uint8Array>} */
export async function mac(secret, hash, message) {
  const key = await able(subtle.importKey("raw", secret, { name: "HMAC", hash }, false, ["sign"]));
  return new Uint8Array(await able(subtle.sign("HMAC", key, message)));
}

/** @param {string|null} text @param {string} alg @returns {Promise<Uint8Array|null>} the left half of its hash */
export async function halfHash(text, alg) {
  if (text === null || !Object.hasOwn(data.algorithms, alg)) return null;
  const { hash } = data.algorithms[alg];
  const octets = new TextEncoder().encode(text);
  // FIPS 204 algorithm 7 line 6: ML-DSA takes 64 octets of SHAKE256.
  const digested = async () => new Uint8Array(await able(subtle.digest(hashName(hash), octets)));
  const whole = hash === "shake_256" ? shake256(octets, 64) : await digested();
  return whole.slice(0, whole.length / 2);
}
