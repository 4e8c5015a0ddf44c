/** Compact encryption, opened by WebCrypto (RFC 7516 section 5.2, RFC 7518 sections 4 and 5). */
import { decodeBase64url, encodeText, join, latin1 } from "./codec.js";
import { data } from "./data.js";
import { agreementOf, fits, readAgreement } from "./decryption.js";
import { decodeJsonObject, isObject, names } from "./json.js";
import { hashName, mac, translated } from "./jws.js";
import { Refused, Unable, able, subtle } from "./refusals.js";
import { first, length, sorted } from "./text.js";

const RULES = data.texts.jwe;
const { algorithms: ALGORITHMS, encryptions: ENCRYPTIONS } = data.jwe;
const EPHEMERAL = { EC: "crv kty x y", OKP: "crv kty x" };

/** What does not open: the key is wrong or the text was altered, and nobody is told which. */
class Closed extends Error {}

const malformed = (rule) => new Refused("token-malformed", { rule }, RULES.hint);

// --- reading

/** @param {string} segment @returns {object} */
function readHeader(segment) {
  if (segment.length > data.limits.jwe_header) throw malformed(RULES.long_header);
  const header = decodeJsonObject(decodeBase64url(segment));
  if (typeof header.alg !== "string" || typeof header.enc !== "string") throw malformed(RULES.alg);
  if ("kid" in header && typeof header.kid !== "string") throw malformed(RULES.kid);
  // RFC 7516 4.1.13, RFC 8725 3.6: no extension; no compression, which is a bomb, and tells of the plaintext.
  const extended = ["crit", "zip", "b64"].some((name) => name in header);
  if (extended) throw new Refused("header-unsupported", { rule: RULES.crit });
  return header;
}

/** @param {string} text */
function read(text) {
  if (length(text) > data.limits.encrypted) throw malformed(RULES.long);
  // eslint-disable-next-line no-control-regex
  if (/[^\x00-\x7f]/.test(text)) throw malformed(RULES.ascii);
  const parts = text.split(".", 6);
  if (parts.length !== 5) throw malformed(RULES.parts);
  try {
    const header = readHeader(parts[0]);
    const [iv, body, tag] = parts.slice(2).map((part) => decodeBase64url(part));
    return { header, wrapped: decodeBase64url(parts[1]), iv, body, tag, aad: encodeText(parts[0]) };
  } catch (fault) {
    const told = translated(fault);
    throw told === fault ? fault : malformed(told.rule);
  }
}

/** @param {string} name @param {object} table */
function allow(name, table) {
  // RFC 8725 3.1, 3.2: the recipient decides; RSA1_5, PBES2 and `none` are in no table, p2c is never looked at.
  if (Object.hasOwn(table, name)) return;
  const detail = { received: first(name, 64), expected: sorted(Object.keys(table)) };
  throw new Refused("forbidden-algorithm", detail, RULES.allowed);
}

function candidates({ kid = null, alg, enc }, keys) {
  const exact = keys.filter((key) => key.kid === kid);
  // RFC 7516 4.1.4 to 4.1.8: keys and addresses that travel with a token choose nothing.
  const named = kid === null ? keys : exact.length ? exact : keys.filter((key) => key.kid === null);
  const found = named.filter((key) => fits(key, alg, enc));
  if (found.length) return found.slice(0, data.limits.candidates);
  throw new Refused("decryption-key-unknown", { received: kid === null ? null : first(kid, 128) }, RULES.unknown);
}

// --- the content encryption key

/** @param {number} number @returns {Uint8Array} four octets */
function word(number) {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, number);
  return octets;
}

function octetsOf(members, name) {
  if (typeof members[name] !== "string") throw new Closed(name);
  return decodeBase64url(members[name]);
}

/** @param {object} header @param {string} name of apu or apv @returns {Uint8Array} */
function party(header, name) {
  const octets = name in header ? octetsOf(header, name) : new Uint8Array();
  if (octets.length > data.limits.party) throw new Closed(name);
  return join(word(octets.length), octets);
}

/** RFC 7518 4.6.2: what the key is for goes into it, so that no key serves two algorithms. */
async function derive(name, octets, shared, header) {
  const identifier = encodeText(name);
  const parties = [party(header, "apu"), party(header, "apv")];
  const info = join(word(identifier.length), identifier, ...parties, word(octets * 8));
  const blocks = Array.from({ length: Math.ceil(octets / 32) }, (_, at) => join(word(at + 1), shared, info));
  const digests = await Promise.all(blocks.map((block) => subtle.digest("SHA-256", block)));
  return join(...digests.map((digest) => new Uint8Array(digest))).slice(0, octets);
}

async function exchange(key, header) {
  const { epk } = header;
  // RFC 7518 4.6.1.1: exactly the public members; a private one or a kid has no business here.
  if (!isObject(epk) || !Object.values(EPHEMERAL).includes([...names(epk)].sort().join(" "))) throw new Closed("epk");
  const { curve, members } = readAgreement(epk);
  if (curve !== key.curve) throw new Closed("crv");
  const ours = await able(subtle.importKey("jwk", { ...key.members }, agreementOf(curve), false, ["deriveBits"]));
  const theirs = await able(subtle.importKey("jwk", members, agreementOf(curve), false, []));
  const size = data.jwe.coordinates[curve] * 8;
  return new Uint8Array(await subtle.deriveBits({ name: agreementOf(curve).name, public: theirs }, ours, size));
}

async function unwrapRsa({ key, alg, wrapped }) {
  const parameters = { name: "RSA-OAEP", hash: hashName(data.jwe.oaep[alg]) };
  const ours = await able(subtle.importKey("jwk", { ...key.members }, parameters, false, ["decrypt"]));
  return new Uint8Array(await subtle.decrypt({ name: "RSA-OAEP" }, ours, wrapped));
}

async function unwrapAgreed({ key, alg, enc, header, wrapped }) {
  const { octets } = ALGORITHMS[alg];
  const shared = await exchange(key, header);
  if (octets) return unwrapAes(await derive(alg, octets, shared, header), wrapped);
  return nothingWrapped(await derive(enc, ENCRYPTIONS[enc].key_octets, shared, header), wrapped);
}

function nothingWrapped(key, wrapped) {
  // RFC 7516 5.2 step 10: nothing may stand where nothing is wrapped.
  if (wrapped.length) throw new Closed("encrypted key");
  return key;
}

async function unwrapAes(octets, wrapped) {
  if (wrapped.length < 24 || wrapped.length % 8) throw new Closed("length");
  const ours = await able(subtle.importKey("raw", octets, "AES-KW", false, ["unwrapKey"]));
  // As the key of a MAC it may have any length.
  const as = { name: "HMAC", hash: "SHA-256" };
  const inner = await subtle.unwrapKey("raw", wrapped, ours, "AES-KW", as, true, ["sign"]);
  return new Uint8Array(await subtle.exportKey("raw", inner));
}

async function unwrapGcm({ key, header, wrapped }) {
  const [iv, tag] = [octetsOf(header, "iv"), octetsOf(header, "tag")];
  // RFC 7518 4.7.1.1, 4.7.1.2: 96 and 128 bits.
  if (iv.length !== 12 || tag.length !== 16) throw new Closed("length");
  return openGcm(key.octets, iv, join(wrapped, tag), new Uint8Array());
}

const UNWRAP = {
  "rsa-oaep": unwrapRsa,
  "ecdh-es": unwrapAgreed,
  "aes-kw": ({ key, wrapped }) => unwrapAes(key.octets, wrapped),
  "aes-gcm-kw": unwrapGcm,
  dir: ({ key, wrapped }) => nothingWrapped(key.octets, wrapped),
};

// --- the content

async function openGcm(octets, iv, sealed, additionalData) {
  const key = await able(subtle.importKey("raw", octets, "AES-GCM", false, ["decrypt"]));
  return new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv, additionalData, tagLength: 128 }, key, sealed));
}

async function openCbc(encryption, cek, { iv, body, tag, aad }) {
  const half = encryption.key_octets / 2;
  const bits = join(word(0), word(aad.length * 8));
  const made = await mac(cek.slice(0, half), hashName(encryption.hash), join(aad, iv, body, bits));
  // RFC 7518 5.2.2.2 step 2: the tag first, so that padding is never an oracle.
  if (made.slice(0, tag.length).some((octet, at) => octet !== tag[at])) throw new Closed("tag");
  const key = await able(subtle.importKey("raw", cek.slice(half), "AES-CBC", false, ["decrypt"]));
  return new Uint8Array(await subtle.decrypt({ name: "AES-CBC", iv }, key, body));
}

async function open(key, parts) {
  const { alg, enc } = parts.header;
  const encryption = ENCRYPTIONS[enc];
  const cek = await UNWRAP[ALGORITHMS[alg].family]({ key, alg, enc, header: parts.header, wrapped: parts.wrapped });
  // RFC 7518 5.2.2.2, 5.3: exact lengths; a shortened tag is a weaker one.
  const exact = [cek.length, parts.iv.length, parts.tag.length];
  if ([encryption.key_octets, encryption.iv_octets, encryption.tag_octets].some((size, at) => size !== exact[at])) {
    throw new Closed("length");
  }
  if (encryption.family === "gcm") return openGcm(cek, parts.iv, join(parts.body, parts.tag), parts.aad);
  return openCbc(encryption, cek, parts);
}

/**
 * What a compact JWE holds. Who sent it is not known: anyone can encrypt.
 *
 * @param {string} text
 * @param {{keys: import("./decryption.js").DecryptionKey[]}} set
 * @returns {Promise<{header: object, plaintext: Uint8Array, text: string, alg: string, enc: string}>} `text` has a
 *   character for each octet
 * @throws {Refused} as the library's `jwe.decrypt`
 * @throws {Unable} if this browser has not the algorithm
 */
export async function decrypt(text, set) {
  const parts = read(text);
  const { alg, enc } = parts.header;
  allow(alg, ALGORITHMS);
  allow(enc, ENCRYPTIONS);
  let unable = null;
  for (const key of candidates(parts.header, set.keys)) {
    try {
      const plaintext = await open(key, parts);
      return { header: parts.header, plaintext, text: latin1(plaintext), alg, enc };
    } catch (fault) {
      // RFC 7516 11.5: whatever went wrong, it did not open.
      if (fault instanceof Unable) unable = new Unable(`${alg}, ${enc}`);
    }
  }
  throw unable ?? new Refused("decryption-failed", { rule: RULES.closed }, RULES.closed_hint);
}
