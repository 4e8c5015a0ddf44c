/** The dialects: their rules, what their claims mean, and which of them a token looks like. */
import { data } from "./data.js";
import { Refused } from "./refusals.js";
import { fill, first } from "./text.js";

const SAYS = data.texts.dialects;
const BY_NAME = new Map(data.dialects.map((each) => [each.rules.name, each]));

/** Every dialect's name and title, in order. */
export const dialects = data.dialects.map(({ rules: { name, title } }) => ({ name, title }));

/** The claims that are instants. */
export const instants = data.instants;

/** @param {string} dialect @returns {object} its rule set, as the library has it; a Refused with `dialect-unknown` */
export function rules(dialect) {
  if (BY_NAME.has(dialect)) return BY_NAME.get(dialect).rules;
  const expected = [...BY_NAME.keys()];
  const detail = { rule: SAYS.unknown, expected, received: first(String(dialect), 64) };
  throw new Refused("dialect-unknown", detail, `${SAYS.use}${expected.join(", ")}.`);
}

/**
 * What a claim means in each dialect that defines it; the standard comes first.
 *
 * @param {string} claim
 * @returns {{dialect: string, title: string, sentence: string}[]} one without a dialect if nobody defines it
 */
export function meaning(claim) {
  const defining = data.dialects.filter(({ meanings }) => Object.hasOwn(meanings, claim));
  const said = ({ rules: { name, title }, meanings }) => ({ dialect: name, title, sentence: meanings[claim] });
  const found = defining.map(said);
  return found.length ? found : [{ dialect: "", title: "", sentence: data.words.unknown_claim }];
}

/** @param {Record<string, [string, string]>} sign claims and their forms, nothing for any @param {object} payload */
function shows(sign, payload) {
  return Object.entries(sign).every(([name, [form, flags]]) => {
    if (!form) return name in payload;
    return typeof payload[name] === "string" && new RegExp(`^(?:${form})$`, flags).test(payload[name]);
  });
}

/** @param {object|null} header @param {object|null} payload @returns {string} the dialect that the token looks like */
export function guessDialect(header, payload) {
  const found = data.dialects.find(({ signs }) => signs.some((sign) => shows(sign, payload ?? {})));
  return (found ?? data.dialects[0]).rules.name;
}

/** @param {string} text @returns {URL|null} an address that can be asked: http or https, a host, no userinfo */
function asked(text) {
  // eslint-disable-next-line no-control-regex
  if (text.length > data.limits.url || /[^!-~]|[\\?#]/.test(text)) return null;
  try {
    const url = new URL(text);
    const bare = !/^[a-z]+:\/\/[^/]*@/i.test(text) && /^https?:\/\/[^/]/i.test(text);
    return bare && url.port !== "0" ? url : null;
  } catch {
    return null;
  }
}

/** @param {string} issuer @param {string} dialect @returns {string} where its document lies; a Refused if nowhere */
export function discoveryUri(issuer, dialect) {
  const { placeholder, placeholder_asks: asks, discovery_hosts: hosts } = rules(dialect);
  if (placeholder && issuer.includes(`/${asks}/`)) {
    const detail = { rule: SAYS.elsewhere, expected: fill(SAYS.instead, { placeholder, asks }), received: issuer };
    const meant = issuer.replaceAll(asks, () => placeholder);
    throw new Refused("issuer-unusable", detail, fill(SAYS.write, { issuer: meant }));
  }
  const address = placeholder ? issuer.replaceAll(placeholder, () => asks) : issuer;
  if (/[?#]/.test(address)) throw new Refused("issuer-unusable", { rule: SAYS.fragment });
  if (!asked(address)) throw new Refused("issuer-unusable", { rule: SAYS.address });
  const [, scheme, host, rest] = /^([^:]*:\/\/)([^/]*)(.*)$/.exec(address.replace(/\/$/, "") + data.well_known);
  return scheme + (Object.hasOwn(hosts, host) ? hosts[host] : host) + rest;
}
