/**
 * The judges of the rules: each looks at one thing and returns the code of what is wrong, or null.
 *
 * OpenID Connect Core 3.1.3.7, RFC 7519 section 4.1, RFC 8725 section 3. They know no vendor: which claim it is, and
 * what it must look like, is in a rule's settings.
 */
import { MALFORMED, audiences, instant, isText } from "./claims.js";
import { data } from "./data.js";
import { isObject } from "./json.js";
import { length } from "./text.js";

/**
 * @typedef {object} Facts
 * @property {object} claims @property {object} header @property {object} expectation @property {object} occasion
 * @property {number} now @property {object|null} key @property {Record<string, string|null>} hashes
 */

const compiled = ([name, [source, flags]]) => [name, new RegExp(`^(?:${source})$`, flags)];
const FORMS = new Map(Object.entries(data.forms).map(compiled));
const SUBJECT = /^[ -~]+$/;

const isAbsent = (claims, name) => !(name in claims);

function tokenType({ header, claims }) {
  const typ = "typ" in header ? header.typ : "JWT";
  if (typeof typ !== "string") return "token-type-malformed";
  // RFC 8725 3.11, 3.12; RFC 7515 4.1.9: "application/" may be left out and case does not count.
  if (!data.types.includes(plainType(typ))) return "token-type-mismatch";
  // OpenID Connect Back-Channel Logout 2.4: no ID token has this event.
  const logout = "events" in claims && (!isObject(claims.events) || data.peek.logout_event in claims.events);
  return logout ? "token-type-mismatch" : null;
}

/** @param {string} typ @returns {string} */
export const plainType = (typ) => typ.toLowerCase().replace(/^application\//, "");

function issuer({ claims, expectation }) {
  const { iss } = claims;
  if (typeof iss !== "string") return isAbsent(claims, "iss") ? "issuer-missing" : "issuer-malformed";
  // OpenID Connect Core 3.1.3.7 step 2: exactly; no prefix, no case folding, no trailing slash.
  if (expectation.issuers.has(iss)) return null;
  const { placeholder, tenant_claim: of } = expectation.rules;
  const tenant = claims[of];
  const named = typeof tenant === "string" && tenant;
  // The tenant of the issuer must be the tenant of the token (CVE-2025-55241).
  const fits = (template) => iss === template.replaceAll(placeholder, () => tenant);
  return named && expectation.templates.some(fits) ? null : "issuer-mismatch";
}

function subject({ claims }) {
  if (isAbsent(claims, "sub")) return "subject-missing";
  const { sub } = claims;
  const fits = typeof sub === "string" && sub.length <= data.limits.subject && SUBJECT.test(sub);
  return fits ? null : "subject-malformed";
}

function audience({ claims, expectation }) {
  const named = audiences(claims);
  if (named === null) return "audience-missing";
  if (named === MALFORMED) return "audience-malformed";
  if (expectation.anyAudience) return null;
  // OpenID Connect Core 3.1.3.7 step 3: we must be in it, and nobody whom we do not trust.
  if (!named.some((each) => expectation.audiences.has(each))) return "audience-mismatch";
  return named.every((each) => expectation.trusted.has(each)) ? null : "audience-foreign";
}

function azp({ claims, expectation }, settings) {
  const several = Array.isArray(claims.aud) && claims.aud.length > 1;
  // OpenID Connect Core 3.1.3.7 step 4.
  if (isAbsent(claims, "azp")) return several || settings.required ? "azp-missing" : null;
  if (typeof claims.azp !== "string" || !claims.azp) return "azp-malformed";
  if (expectation.authorized_parties !== null) {
    // OpenID Connect Core 3.1.3.7 step 5.
    return expectation.authorized_parties.includes(claims.azp) ? null : "azp-mismatch";
  }
  if (!several || expectation.anyAudience) return null;
  return (settings.own ? expectation.audiences : expectation.trusted).has(claims.azp) ? null : "azp-mismatch";
}

function expiry({ claims, now, expectation }) {
  const at = instant(claims, "exp");
  if (at === MALFORMED) return "expiry-malformed";
  if (at === null) return "expiry-missing";
  // RFC 7519 4.1.4: the current time must be before it.
  return now < at + expectation.leeway ? null : "token-expired";
}

function notBefore({ claims, now, expectation }) {
  const at = instant(claims, "nbf");
  if (at === MALFORMED) return "not-before-malformed";
  // RFC 7519 4.1.5.
  return at === null || now + expectation.leeway >= at ? null : "token-not-yet-valid";
}

function issuedAt({ claims, now, expectation }) {
  const at = instant(claims, "iat");
  if (at === MALFORMED) return "issued-at-malformed";
  // OpenID Connect Core 2: required; 3.1.3.7 step 10: not in the future.
  if (at === null) return "issued-at-missing";
  return at <= now + expectation.leeway ? null : "issued-in-the-future";
}

function nonce({ claims, occasion }) {
  if (isAbsent(claims, "nonce")) return occasion.nonce === null ? null : "nonce-missing";
  if (typeof claims.nonce !== "string") return "nonce-malformed";
  // OpenID Connect Core 3.1.3.7 step 11: a case-sensitive string.
  return [null, claims.nonce].includes(occasion.nonce) ? null : "nonce-mismatch";
}

function halfHash({ claims, occasion, hashes }, { claim, of, code, required, demanded_by: demand }) {
  const given = occasion[of];
  if (isAbsent(claims, claim)) return (required || occasion[demand]) && given !== null ? `${code}-missing` : null;
  if (typeof claims[claim] !== "string") return `${code}-malformed`;
  if (given === null) return null;
  // OpenID Connect Core 3.1.3.6, 3.1.3.8; an unknown algorithm fails closed (CVE-2026-28498).
  return hashes[of] !== null && claims[claim] === hashes[of] ? null : `${code}-mismatch`;
}

function authTime({ claims, occasion, now, expectation }) {
  const at = instant(claims, "auth_time");
  if (at === MALFORMED) return "auth-time-malformed";
  if (occasion.max_age === null) return null;
  // OpenID Connect Core 2: required when max_age was asked for; 3.1.3.7 step 13: recent enough.
  if (at === null) return "auth-time-missing";
  return now <= at + occasion.max_age + expectation.leeway ? null : "auth-time-too-old";
}

/** @param {Facts} facts @returns {string|null} */
export function claimShapes({ claims }) {
  const texts = ["acr", "sid", "jti"].every((name) => isText(claims, name));
  // OpenID Connect Core 2: a JSON array of strings.
  const listed = Array.isArray(claims.amr) && claims.amr.every((each) => typeof each === "string");
  return texts && (isAbsent(claims, "amr") || listed) ? null : "claim-malformed";
}

// --- what dialects need besides

function claimForm({ claims }, { claim, form, code }) {
  if (isAbsent(claims, claim)) return `${code}-missing`;
  return typeof claims[claim] === "string" && FORMS.get(form).test(claims[claim]) ? null : `${code}-malformed`;
}

function claimByIssuer({ claims }, { claim, endings, code }) {
  if (isAbsent(claims, claim)) return `${code}-missing`;
  if (typeof claims[claim] !== "string") return `${code}-malformed`;
  const wanted = endings.find(([ending]) => typeof claims.iss === "string" && claims.iss.endsWith(ending));
  return wanted && claims[claim] === wanted[1] ? null : `${code}-mismatch`;
}

/** @param {Facts} facts @returns {string[]} the segments of the path of the token's issuer; none if it has none */
export function segments({ claims: { iss } }) {
  const at = typeof iss === "string" && length(iss) <= data.limits.issuer ? iss.indexOf("://") : -1;
  // An issuer has neither query nor fragment; one that has is not taken apart.
  return at < 0 || /[?#]/.test(iss.slice(at + 3)) ? [] : iss.slice(at + 3).split("/").slice(1).filter(Boolean);
}

/** @param {Facts} facts @param {object} settings @returns {string|null} the segment that the settings count to */
export function segment(facts, settings) {
  const found = segments(facts);
  return found["from_start" in settings ? settings.from_start - 1 : found.length - settings.from_end] ?? null;
}

function claimInIssuer(facts, settings) {
  const { claim, code, formed } = settings;
  const value = facts.claims[claim];
  if (typeof value !== "string" || !value) {
    if (formed) return null;
    return isAbsent(facts.claims, claim) ? `${code}-missing` : `${code}-malformed`;
  }
  // With a host of its own for each tenant or workspace the path is shorter and says nothing about them.
  return [null, value].includes(segment(facts, settings)) ? null : `${code}-mismatch`;
}

function keyIssuer({ key, claims, expectation }) {
  if (!key || key.issuer === null) return null;
  const { placeholder, tenant_claim: of } = expectation.rules;
  const tenant = claims[of];
  const bound = placeholder && typeof tenant === "string" && tenant;
  const owner = bound ? key.issuer.replaceAll(placeholder, () => tenant) : key.issuer;
  // Storm-0558: a key of one kind of tenant was accepted for all others.
  return owner === claims.iss ? null : "key-issuer-mismatch";
}

function organization({ claims, expectation }, settings) {
  const wanted = expectation.organization;
  if (wanted === null) return null;
  const byId = wanted.startsWith(settings.id_prefix);
  const claim = byId ? settings.id_claim : settings.name_claim;
  if (isAbsent(claims, claim)) return "organization-missing";
  if (typeof claims[claim] !== "string") return "organization-malformed";
  return claims[claim] === (byId ? wanted : wanted.toLowerCase()) ? null : "organization-mismatch";
}

function email({ claims, expectation }) {
  const wanted = expectation.emails;
  if (isAbsent(claims, "email")) return wanted ? "email-missing" : null;
  if (typeof claims.email !== "string" || !FORMS.get("email").test(claims.email)) return "email-malformed";
  // OpenID Connect Core 5.1: a boolean; "true" and 1 have passed for it.
  const verified = claims.email_verified;
  if (typeof verified !== "boolean") return wanted || !isAbsent(claims, "email_verified") ? "email-malformed" : null;
  if (wanted === null) return null;
  if (!wanted.includes(claims.email)) return "email-mismatch";
  return verified ? null : "email-unverified";
}

function lifetime({ claims }, { most }) {
  const [issued, expires] = [instant(claims, "iat"), instant(claims, "exp")];
  // The rules for these claims say so if they are not as they should be.
  if (typeof issued !== "number" || typeof expires !== "number") return null;
  return expires - issued <= most ? null : "lifetime-too-long";
}

const noClaims = ({ claims }, { claims: forbidden, code }) => (forbidden.some((name) => name in claims) ? code : null);

/** @type {Record<string, (facts: Facts, settings: object) => string|null>} */
export const JUDGES = {
  token_type: tokenType,
  issuer,
  subject,
  audience,
  azp,
  expiry,
  not_before: notBefore,
  issued_at: issuedAt,
  nonce,
  half_hash: halfHash,
  auth_time: authTime,
  claim_shapes: claimShapes,
  claim_form: claimForm,
  claim_by_issuer: claimByIssuer,
  claim_in_issuer: claimInIssuer,
  key_issuer: keyIssuer,
  organization,
  email,
  lifetime,
  no_claims: noClaims,
};
