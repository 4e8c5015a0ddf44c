/** Arithmetic on the numbers of public keys: sizes, curves, and the mark of a bad generator (RFC 7518 section 6). */
import { data } from "./data.js";

/** @param {Uint8Array} octets @returns {bigint} */
export function fromOctets(octets) {
  let digits = "0x0";
  for (const octet of octets) digits += octet.toString(16).padStart(2, "0");
  return BigInt(digits);
}

/** @param {bigint} number @returns {number} */
export const bits = (number) => (number === 0n ? 0 : number.toString(2).length);

/** @param {bigint} base @param {bigint} exponent @param {bigint} modulus @returns {bigint} */
export function power(base, exponent, modulus) {
  let result = 1n;
  for (let [factor, left] = [base % modulus, exponent]; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * factor) % modulus;
    factor = (factor * factor) % modulus;
  }
  return result;
}

/** @param {bigint} a @param {bigint} b @returns {bigint} */
export function gcd(a, b) {
  while (b) [a, b] = [b, a % b];
  return a;
}

/** @param {bigint} number @param {bigint} modulus a prime, or what it has no factor with @returns {bigint} */
export function inverse(number, modulus) {
  let [a, b, x, y] = [number % modulus, modulus, 1n, 0n];
  while (b) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % modulus) + modulus) % modulus;
}

/** @param {bigint} modulus @returns {boolean} whether it bears the mark of CVE-2017-15361 */
export function isRoca(modulus) {
  return data.keys.roca.every((prime) => {
    const rest = Number(modulus % BigInt(prime));
    for (let seen = 1, step = 0; step < prime - 1; step += 1, seen = (seen * (65537 % prime)) % prime) {
      if (seen === rest) return true;
    }
    return false;
  });
}

/** @param {string} curve @param {Uint8Array} x @param {Uint8Array} y @returns {boolean} whether the point is on it */
export function isOnCurve(curve, x, y) {
  const [prime, b] = [BigInt(data.keys.curves[curve].prime), BigInt(data.keys.curves[curve].b)];
  const [px, py] = [fromOctets(x), fromOctets(y)];
  if (px >= prime || py >= prime) return false;
  // RFC 8725 3.4. All three curves have a = -3 (SP 800-186 3.2.1).
  return (py * py - (px * px * px - 3n * px + b)) % prime === 0n;
}

/** @param {bigint} n @param {bigint} e @param {bigint} d @returns {[bigint, bigint]|null} the prime factors of n */
export function factors(n, e, d) {
  let odd = e * d - 1n;
  let halvings = 0;
  for (; odd > 0n && odd % 2n === 0n; odd /= 2n) halvings += 1;
  // NIST SP 800-56B appendix C.1: each base finds a factor with a chance of one half.
  for (let base = 2n; base < 100n && odd > 0n; base += 1n) {
    let root = power(base, odd, n);
    for (let step = 0; step < halvings && root !== 1n && root !== n - 1n; step += 1) {
      const square = (root * root) % n;
      if (square === 1n) return [gcd(root - 1n, n), n / gcd(root - 1n, n)];
      root = square;
    }
  }
  return null;
}

/** @param {bigint} number @returns {Uint8Array} as few octets as it takes, most significant first */
export function toOctets(number) {
  const digits = number.toString(16);
  const even = digits.length % 2 ? `0${digits}` : digits;
  return Uint8Array.from(even.match(/../g), (pair) => Number.parseInt(pair, 16));
}
