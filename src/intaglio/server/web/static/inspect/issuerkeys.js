// Fetches an issuer's keys: its discovery document, then the key set, from the origins that the page's policy allows.
//
// OpenID Connect Discovery 1.0 sections 4.1 and 4.3. No cookie, no referrer, no redirect; bounded in size and time.

import * as engine from "./engine.js";

const SECONDS = 10;
const MOST_OCTETS = 512 * 1024;

// What went wrong, for a person: `origin` if the page must be reloaded with that origin allowed as well.
export class NotFetched extends Error {
  constructor(message, { origin = "", blocked = false } = {}) {
    super(message);
    this.origin = origin;
    this.blocked = blocked;
  }
}

// The discovery address of an issuer, or null if the text is none that a browser may ask.
export function discoveryOf(issuer, dialect) {
  try {
    const address = new URL(engine.discoveryUri(issuer, dialect));
    return mayBeAsked(address) ? address : null;
  } catch {
    return null;
  }
}

function mayBeAsked(address) {
  const loopback = address.hostname === "localhost" || address.hostname === "127.0.0.1" || address.hostname.endsWith(".localhost");
  return !address.username && !address.password && (address.protocol === "https:" || (address.protocol === "http:" && loopback));
}

// {keys: text of the JWKS, from, skew}; raises NotFetched.
export async function fetchKeys(issuer, dialect, allowed) {
  const where = discoveryOf(issuer, dialect);
  if (where === null) throw new NotFetched("This issuer is no https address, so there is nowhere to ask.");
  const found = await read(where, allowed, "the issuer’s discovery document");
  const document = parsed(found.text, "The discovery document");
  // OpenID Connect Discovery 1.0 4.3: the document must name exactly the issuer that was asked.
  if (!names(document.issuer, issuer)) {
    throw new NotFetched(`The document at ${where.href} speaks for another issuer: ${String(document.issuer).slice(0, 200)}`);
  }
  let at;
  try {
    at = new URL(document.jwks_uri);
  } catch {
    throw new NotFetched("The discovery document does not say where the keys are (jwks_uri).");
  }
  if (!mayBeAsked(at)) throw new NotFetched("The address of the keys (jwks_uri) is not an https address.");
  const keys = await read(at, allowed, "the issuer’s keys");
  parsed(keys.text, "The key set");
  return { keys: keys.text, from: at.href, skew: keys.skew ?? found.skew };
}

// Google's tokens may leave the scheme out.
const names = (told, issuer) => typeof told === "string" && (told === issuer || told === `https://${issuer}`);

function parsed(text, what) {
  try {
    const held = JSON.parse(text);
    if (held !== null && typeof held === "object" && !Array.isArray(held)) return held;
  } catch {
    // Told below, like any other value that is no object.
  }
  throw new NotFetched(`${what} is not a JSON object.`);
}

async function read(address, allowed, what) {
  if (!allowed.includes(address.origin)) {
    throw new NotFetched(`This page may not connect to ${address.origin} yet, where ${what} would be.`, { origin: address.origin });
  }
  const begun = Date.now();
  let answer;
  try {
    answer = await fetch(address, {
      credentials: "omit", referrerPolicy: "no-referrer", redirect: "error", cache: "no-store",
      headers: { accept: "application/json" }, signal: AbortSignal.timeout(SECONDS * 1000),
    });
  } catch (fault) {
    const late = fault?.name === "TimeoutError";
    throw new NotFetched(
      late ? `${address.origin} did not answer within ${SECONDS} seconds.` : `The browser got no answer from ${address.origin} that it may show to this page.`,
      { blocked: true },
    );
  }
  if (!answer.ok) throw new NotFetched(`${address.origin} answered ${answer.status} where ${what} should be.`, { blocked: true });
  return { text: await bounded(answer, what), skew: skewOf(answer, begun) };
}

async function bounded(answer, what) {
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let octets = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => { throw new NotFetched(`The answer broke off before ${what} was complete.`, { blocked: true }); });
    if (done) return text + decoder.decode();
    octets += value.length;
    if (octets > MOST_OCTETS) {
      reader.cancel();
      throw new NotFetched(`The answer is longer than ${MOST_OCTETS / 1024} KiB, too long for ${what}.`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

// How far the issuer's clock is ahead, in seconds; its Date can be read on the same origin alone.
function skewOf(answer, begun) {
  const date = Date.parse(answer.headers.get("date") ?? "");
  return Number.isNaN(date) ? null : Math.round((date - (begun + Date.now()) / 2) / 1000);
}
