// The inspector: reads a token, draws it, checks it against what the person expects. Nothing leaves this browser.

import * as engine from "./engine.js";
import * as arrival from "./arrival.js";
import * as asking from "./asking.js";
import { differences } from "./compare.js";
import { byId, el, fill, visible } from "./dom.js";
import { example } from "./example.js";
import { offerKeys } from "./fetching.js";
import { drawLanguages } from "./languages.js";
import { clearOutcome, drawOutcome } from "./outcome.js";
import { decryptionKeys, keySet, reason } from "./proof.js";
import * as show from "./show.js";
import { now } from "./times.js";

const at = (name) => byId(`inspect-${name}`);
const state = { outer: null, token: null, skew: null, opening: 0, checking: 0 };

function say(text, kind = "bad") {
  fill(at("message"), text ? el("p", { class: `state ${kind}` }, visible(text, 600)) : null);
}

// --- the token

function read({ fresh = true } = {}) {
  const text = at("token").value.trim();
  const has = text !== "";
  // What is still under way was about another token.
  state.opening += 1;
  state.checking += 1;
  byId("inspect").classList.toggle("reading", has);
  at("result").hidden = !has;
  at("empty").hidden = has;
  at("clear").hidden = !has;
  state.outer = has ? engine.peek(text) : null;
  state.token = state.outer;
  if (!has) return;
  if (fresh) fill(at("inner"));
  draw();
  if (state.outer.kind === "jwe") return void open();
  settle();
}

function draw() {
  const { outer } = state;
  at("kind").textContent = show.kindName(outer.kind);
  fill(at("summary"), show.summary(outer, now()));
  fill(at("problems"), show.problems(outer.problems ?? []));
  const figure = show.parts(outer, "inspect-parts-text");
  fill(at("parts"), figure, show.decoded(outer));
  at("decrypt").hidden = outer.kind !== "jwe";
}

// What follows from the innermost token that can be read: claims, the form, the checks, the comparison, the snippets.
function settle() {
  const { payload, header } = state.token;
  const readable = Boolean(payload);
  at("claims-section").hidden = !readable;
  for (const name of ["check-section", "compare", "snippets"]) at(name).hidden = !readable && state.outer.kind !== "jwe";
  if (readable) {
    asking.prefill(payload);
    if (!at("dialect").dataset.chosen) at("dialect").value = engine.guessDialect(header, payload) || "standard";
    fill(at("claims-holder"), show.claims(payload, asking.typed("dialect"), now()));
  }
  compare();
  drawLanguages(state.token?.header?.alg);
  offer.refresh();
  check();
}

// --- decryption

async function open() {
  const run = ++state.opening;
  const keys = await decryptionKeys();
  let inner = null;
  let problem = keys.notes[0] ?? "";
  try {
    inner = keys.value && (await engine.decrypt(state.outer.text, keys.value));
  } catch (fault) {
    problem = `It could not be opened: ${reason(fault)}`;
  }
  if (run !== state.opening) return;
  if (inner !== null) {
    state.token = engine.peek(new TextDecoder().decode(inner.plaintext));
    fill(
      at("inner"), el("p", { class: "state good" }, `Opened. Inside: ${show.kindName(state.token.kind)}.`),
      show.problems(state.token.problems ?? []), show.parts(state.token, "inspect-inner-text"), show.decoded(state.token),
    );
  } else {
    state.token = state.outer;
    fill(at("inner"), problem ? el("p", { class: "state bad" }, visible(problem, 400)) : null);
  }
  settle();
}

// --- the checks

async function check() {
  const run = ++state.checking;
  if (!state.token.payload) return clearOutcome();
  const expectation = asking.expectation();
  if (!expectation.issuer) return drawOutcome(null, {});
  const { at: moment, isNow, problem } = asking.time();
  const [keys, opening] = await Promise.all([keySet(), decryptionKeys()]);
  const notes = [problem, ...keys.notes];
  if (run !== state.checking) return;
  if (state.outer.kind === "jwe") {
    expectation.decryption = opening.value;
    notes.push(...opening.notes);
  }
  let told;
  try {
    told = await engine.check(state.outer.text, expectation, keys.value, moment, asking.occasion(), state.skew);
  } catch (fault) {
    told = null;
    notes.push(reason(fault));
  }
  if (run !== state.checking) return;
  drawOutcome(told, { hasKeys: keys.value !== null || expectation.secret !== null, moment, isNow, notes: notes.filter(Boolean) });
}

// --- comparison

function compare() {
  const text = at("other").value;
  if (!text.trim() || !state.token) return fill(at("differences"));
  const other = engine.peek(text);
  if (!other.payload && !other.header) return fill(at("differences"), el("p", { class: "state bad" }, `${show.kindName(other.kind)}: there is nothing to compare.`));
  fill(at("differences"), show.problems(other.problems ?? []), ...differences(state.token, other));
}

// --- wiring

function later(act, wait = 120) {
  let timer;
  return () => { clearTimeout(timer); timer = setTimeout(act, wait); };
}

function put(text) {
  at("token").value = text;
  say("");
  read();
}

function take(text) {
  const kind = arrival.sort(text);
  if (kind === "keys") {
    at("jwks").value = text.trim();
    say("Those are keys: they are in their field now.", "good");
    if (state.outer) check();
  } else if (kind === "private") {
    at("key").value = text.trim();
    say("That is a private key: it is in its field now, and nowhere else.", "good");
    if (state.outer?.kind === "jwe") open();
  } else {
    arrival.leaveAddress();
    put(text);
  }
}

function arrive() {
  const came = arrival.fromAddress();
  if (came === null) return;
  if (came.error) say(`The issuer answered with an error. ${came.error}`);
  // state comes with every response, its hash with few tokens: expecting one where none is would refuse them all.
  const state_ = engine.peek(came.token).payload?.s_hash === undefined ? "" : came.state;
  for (const [name, value] of [["access-token", came.access_token], ["code", came.code], ["state", state_]]) {
    if (value) at(name).value = value;
  }
  if (came.token) put(came.token);
}

async function showExample() {
  if (!globalThis.crypto?.subtle) return say("This browser offers no cryptography here: the page has to come over https or from this machine.");
  const made = await example(now());
  arrival.leaveAddress();
  for (const [name, value] of [["issuer", made.issuer], ["audience", made.audience], ["nonce", made.nonce], ["access-token", made.access_token], ["jwks", made.jwks]]) at(name).value = value;
  asking.OWN.forEach(asking.typedBy);
  at("code").value = at("state").value = "";
  delete at("dialect").dataset.chosen;
  put(made.token);
}

function clear() {
  arrival.leaveAddress();
  at("form").reset();
  for (const name of ["token", "key", "other"]) at(name).value = "";
  asking.OWN.forEach(asking.typedBy);
  delete at("dialect").dataset.chosen;
  [state.skew, state.outer, state.token] = [null, null, null];
  offer.clear();
  put("");
  at("token").focus();
}

const offer = offerKeys({
  fields: () => ({ [state.outer?.kind === "access-token" ? "access_token" : "id_token"]: state.outer?.text || at("token").value.trim(), ...others() }),
  taken: (found) => {
    state.skew = found.skew;
    at("jwks").value = found.keys;
    check();
  },
  dropped: () => {
    state.skew = null;
    at("jwks").value = "";
  },
});

const others = () => {
  const given = { code: asking.typed("code") };
  return state.outer?.kind === "access-token" ? given : { access_token: asking.typed("access-token"), ...given };
};

function listen() {
  const again = later(() => { drawLanguages(state.token?.header?.alg); check(); });
  at("token").addEventListener("input", later(() => { arrival.leaveAddress(); say(""); read(); }));
  at("key").addEventListener("input", later(() => { if (state.outer?.kind === "jwe") open(); }));
  at("other").addEventListener("input", later(compare));
  for (const name of asking.OWN) {
    at(name).addEventListener("input", () => asking.typedBy(name));
    at(`${name}-mine`).addEventListener("change", again);
  }
  at("dialect").addEventListener("change", () => {
    at("dialect").dataset.chosen = "yes";
    settle();
  });
  at("issuer").addEventListener("input", () => offer.refresh());
  at("jwks").addEventListener("input", () => offer.forget());
  at("form").addEventListener("input", again);
  at("form").addEventListener("submit", (event) => {
    event.preventDefault();
    read({ fresh: false });
    at("report").focus({ preventScroll: true });
    at("report").scrollIntoView();
  });
  at("file").addEventListener("change", async () => {
    const [file] = at("file").files;
    const text = file ? await arrival.readFile(file, say) : "";
    if (text) take(text);
    at("file").value = "";
  });
  at("example").addEventListener("click", showExample);
  at("clear").addEventListener("click", clear);
  addEventListener("hashchange", arrive);
  arrival.receiveDrops(byId("inspect"), take, say);
}

function begin() {
  asking.listDialects();
  listen();
  const held = arrival.kept();
  if (held !== null) asking.restore(held);
  arrive();
  if (held?.fetching && state.outer) offer.go();
}

begin();
