/** The places in a rule's templates, and when a rule had nothing to do; the wording itself is the library's. */
import { date } from "./claims.js";
import { data } from "./data.js";
import { claimShapes, segment, segments } from "./judges.js";
import { kind } from "./peek.js";
import { fill, shown, sorted } from "./text.js";

const WORDS = data.words;

/** @param {unknown} at @returns {string} the number and its date in UTC */
export function instant(at) {
  const found = date(at);
  if (found === null) return shown(at);
  const rest = found.toISOString().replace(/^[+-]?\d+/, "").replace(/\.\d+Z$/, "Z");
  return `${shown(at)} (${found.getUTCFullYear()}${rest})`;
}

const anyOf = (names) => shown(sorted(new Set(names)).join(WORDS.or));

function parties({ authorized_parties: wanted, anyAudience }, otherwise) {
  if (wanted !== null) return anyOf(wanted);
  return anyAudience ? WORDS.any : anyOf(otherwise);
}

/** @param {string} of @returns {(facts: import("./judges.js").Facts) => string} */
const halfHash = (of, what) => (facts) => {
  if (facts.occasion[of] === null) return fill(WORDS.hash, { what });
  return facts.hashes[of] ?? WORDS.no_hash;
};

function kindInWords({ header, claims }) {
  const typ = shown("typ" in header ? header.typ : WORDS.no_typ);
  const found = WORDS.kinds[kind(header, claims)];
  return found ? `${found} (${typ})` : typ;
}

/** @type {Record<string, (facts: import("./judges.js").Facts) => string>} */
const VALUES = {
  issuers: ({ expectation }) => anyOf([...expectation.issuers, ...expectation.templates]),
  audiences: ({ expectation }) => (expectation.anyAudience ? WORDS.unchecked : anyOf(expectation.audiences)),
  parties: ({ expectation }) => parties(expectation, expectation.trusted),
  own_parties: ({ expectation }) => parties(expectation, expectation.audiences),
  now: ({ now }) => instant(now),
  leeway: ({ expectation }) => String(expectation.leeway),
  max_age: ({ occasion }) => String(occasion.max_age ?? WORDS.any),
  nonce: ({ occasion }) => shown(occasion.nonce ?? WORDS.text),
  access_token_hash: halfHash("access_token", WORDS.access_token),
  code_hash: halfHash("code", WORDS.code),
  state_hash: halfHash("state", WORDS.state),
  organization: ({ expectation }) => shown(expectation.organization ?? WORDS.any),
  emails: ({ expectation }) => anyOf(expectation.emails ?? [WORDS.any]),
  kind: kindInWords,
  shapes: (facts) => (claimShapes(facts) === null ? WORDS.shaped : WORDS.misshapen),
  key_issuer: ({ key }) => (key?.issuer ? shown(key.issuer) : WORDS.nothing),
  path: (facts) => shown(`/${segments(facts).join("/")}`),
};

/** @param {string} template @param {import("./judges.js").Facts} facts @param {object} rule @returns {string} */
export function render(template, facts, rule) {
  return template.replace(/\{([a-z_]+)(?:\.([A-Za-z_]+))?\}/g, (_, name, of) => {
    if (of === undefined) return VALUES[name](facts);
    if (name === "setting") return shown(rule.settings[of]);
    if (!(of in facts.claims)) return WORDS.nothing;
    return name === "instant" ? instant(facts.claims[of]) : shown(facts.claims[of]);
  });
}

const CONDITIONS = {
  absent: (of, { claims }) => !(of in claims),
  unasked: (of, { occasion }) => occasion[of] === null,
  unset: (of, { expectation }) => expectation[of] === null,
  unchecked: (_, { expectation }) => expectation.anyAudience,
  ownerless: (_, { key }) => !key || key.issuer === null,
  short: (_, facts, rule) => segment(facts, rule.settings) === null,
};

/** @param {string} condition @param {import("./judges.js").Facts} facts @param {object} rule @returns {boolean} */
export function holds(condition, facts, rule) {
  const [word, of = ""] = condition.split(" ");
  return CONDITIONS[word](of, facts, rule);
}
