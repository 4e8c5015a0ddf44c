// Reads what proves a token, or opens it, from the fields where it was pasted; faults become sentences.

import * as engine from "./engine.js";
import { typed } from "./asking.js";
import { Unable } from "./refusals.js";

export function reason(fault) {
  if (fault instanceof Unable) return `this browser does not have what it takes (${fault.message})`;
  return fault?.rule || fault?.hint || fault?.message || "no reason was given";
}

// {value, notes}: the issuer's keys; null if there are none, or none that can be used.
export function keySet() {
  const text = typed("jwks");
  // One key alone is as good as a set of one.
  const whole = text.includes('"keys"') && !/^\{\s*"kty"/.test(text) ? text : `{"keys":[${text}]}`;
  return attempt(() => (text ? engine.readKeySet(whole) : null), "The keys");
}

// {value, notes}: what opens an encrypted token.
export function decryptionKeys() {
  const text = typed("key");
  return attempt(() => (text ? engine.readDecryptionKeys(text) : null), "The private key");
}

async function attempt(make, what) {
  try {
    const value = await make();
    return { value, notes: (value?.skipped ?? []).slice(0, 5).map((sentence) => `A key was left out. ${sentence}`) };
  } catch (fault) {
    return { value: null, notes: [`${what} cannot be used: ${reason(fault)}`] };
  }
}
