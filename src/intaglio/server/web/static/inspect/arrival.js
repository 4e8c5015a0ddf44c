// How a token comes to this page without any server seeing it: behind the # of the address, as a file, as text.
//
// OAuth 2.0 Multiple Response Type Encoding Practices section 5 (fragment responses). What is behind the # stays there.
// When the page is reloaded to be allowed a connection, the token travels behind the # and what was typed beside it, but
// for secrets, in sessionStorage, which is emptied as soon as it is read.

const STORE = "intaglio-inspect";
const MOST_OCTETS = 1024 * 1024;
const TOKENS = ["id_token", "access_token", "token", "logout_token"];

// {token, access_token, code, state, error} of the address, or null if nothing is behind the #.
export function fromAddress() {
  const text = location.hash.slice(1);
  if (!text) return null;
  const fields = new URLSearchParams(text.replaceAll("+", "%2B"));
  const name = TOKENS.find((one) => fields.get(one));
  const given = (key) => fields.get(key) ?? "";
  if (name) return { token: given(name), access_token: name === "access_token" ? "" : given("access_token"), code: given("code"), state: given("state"), error: "" };
  if (fields.has("error")) return { token: "", access_token: "", code: "", state: "", error: [given("error"), given("error_description")].filter(Boolean).join(": ") };
  return text.startsWith("ey") ? { token: text, access_token: "", code: "", state: "", error: "" } : null;
}

// Take the token out of the address once the person has changed it: the two would no longer be the same.
export function leaveAddress() {
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
}

// Reload with these origins allowed. `fields` are behind the #, `kept` is what else was typed.
export function reload(origins, fields, kept) {
  const query = origins.map((origin) => `origin=${encodeURIComponent(origin)}`).join("&");
  const behind = Object.entries(fields).filter(([, value]) => value).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  try {
    sessionStorage.setItem(STORE, JSON.stringify(kept));
  } catch {
    // Storage is switched off: the fields are typed once more, and the button pressed again.
  }
  location.assign(`${location.pathname}?${query}#${behind}`);
}

// What `reload` kept, once; null if this is no such reload.
export function kept() {
  try {
    const text = sessionStorage.getItem(STORE);
    sessionStorage.removeItem(STORE);
    const held = JSON.parse(text ?? "null");
    return held !== null && typeof held === "object" ? held : null;
  } catch {
    return null;
  }
}

// What a text is that was dropped or opened: "keys" (a public JWKS), "private" (a JWK or PEM), or "token".
export function sort(text) {
  const start = text.trimStart();
  if (start.startsWith("-----BEGIN")) return start.startsWith("-----BEGIN PUBLIC") || start.startsWith("-----BEGIN CERT") ? "token" : "private";
  if (!start.startsWith("{")) return "token";
  try {
    const held = JSON.parse(start);
    const keys = Array.isArray(held.keys) ? held.keys : "kty" in held ? [held] : null;
    if (keys === null) return "token";
    return keys.some((key) => key && ("d" in key || "k" in key)) ? "private" : "keys";
  } catch {
    return "token";
  }
}

// Let files and texts be dropped anywhere on the page; `take(text)` gets them, `refuse(sentence)` what was too much.
export function receiveDrops(frame, take, refuse) {
  let depth = 0;
  const over = (by) => { depth = Math.max(0, depth + by); frame.classList.toggle("over", depth > 0); };
  document.addEventListener("dragenter", (event) => { event.preventDefault(); over(1); });
  document.addEventListener("dragleave", () => over(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    over(-depth);
    const file = event.dataTransfer?.files?.[0];
    const text = file ? await readFile(file, refuse) : event.dataTransfer?.getData("text/plain");
    if (text) take(text);
  });
}

export async function readFile(file, refuse) {
  if (file.size > MOST_OCTETS) {
    refuse("That file is larger than 1 MiB: no token is.");
    return "";
  }
  return file.text();
}
