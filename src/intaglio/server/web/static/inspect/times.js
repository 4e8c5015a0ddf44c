// Instants in words: the date in UTC, and how far it is from now.

import { Float } from "./json.js";

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const DATE = new Intl.DateTimeFormat("en-GB", {
  weekday: "short", day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "UTC",
});
const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
// [unit, its seconds, from how many seconds on it is used]
const UNITS = [
  ["year", 31557600, 63115200], ["month", 2629800, 5184000], ["day", 86400, 172800],
  ["hour", 3600, 7200], ["minute", 60, 120], ["second", 1, 0],
];
const LAST = 8.64e12; // seconds: where the calendar of the browser ends
const MILLISECONDS = 1e11; // no issuer lives in the year 5138; Date.now() is beyond this

export const now = () => Math.floor(Date.now() / 1000);

export function relative(seconds) {
  const [unit, length] = UNITS.find(([, , from]) => Math.abs(seconds) >= from);
  return RELATIVE.format(Math.trunc(seconds / length), unit);
}

// The number that a claim holds, NaN if it holds none.
export function numeric(value) {
  if (value instanceof Float) return value.value;
  return typeof value === "number" || typeof value === "bigint" ? Number(value) : Number.NaN;
}

// {text, relative, local, iso, odd} of an instant in epoch seconds; `odd` says what is strange about it.
export function told(instant, at) {
  const value = numeric(instant);
  if (!Number.isFinite(value)) return { odd: "not a number, so no instant" };
  if (Math.abs(value) > LAST) return { odd: "beyond every calendar" };
  const date = new Date(value * 1000);
  const odd = value > MILLISECONDS ? "this looks like milliseconds; a NumericDate is in seconds" : "";
  return { text: `${DATE.format(date)} UTC`, relative: relative(value - at), local: LOCAL.format(date), iso: date.toISOString(), odd };
}

// What a person typed as a time: "" or "now", epoch seconds, or a date; null if it is none.
export function parse(text) {
  const typed = text.trim();
  if (typed === "" || typed.toLowerCase() === "now") return now();
  if (/^\d{1,12}$/.test(typed)) return Number(typed);
  const at = Date.parse(/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$/.test(typed) ? `${typed.replace(" ", "T")}Z` : typed);
  return Number.isNaN(at) ? null : Math.floor(at / 1000);
}
