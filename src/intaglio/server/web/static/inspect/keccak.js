/** SHAKE256 (FIPS 202), which browsers do not have and the half hashes beside an ML-DSA signature need. */

const LANE = (1n << 64n) - 1n;
const RATE = 136;
const ROUNDS = 24;

const rotate = (lane, by) => ((lane << BigInt(by)) | (lane >> BigInt(64 - by))) & LANE;

/** @returns {bigint[]} the round constants, from their shift register (FIPS 202 algorithm 5) */
function constants() {
  let register = 1;
  return Array.from({ length: ROUNDS }, () => {
    let constant = 0n;
    for (let power = 0; power < 7; power += 1) {
      if (register & 1) constant |= 1n << BigInt((1 << power) - 1);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
    return constant;
  });
}

const CONSTANTS = constants();

/** @param {bigint[]} lanes */
function theta(lanes) {
  const sums = [0, 1, 2, 3, 4].map((x) => lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]);
  for (let at = 0; at < 25; at += 1) lanes[at] ^= sums[(at + 4) % 5] ^ rotate(sums[(at + 1) % 5], 1);
}

/** @param {bigint[]} lanes */
function rhoAndPi(lanes) {
  let [x, y, moved] = [1, 0, lanes[1]];
  for (let step = 0; step < 24; step += 1) {
    [x, y] = [y, (2 * x + 3 * y) % 5];
    const lane = lanes[x + 5 * y];
    lanes[x + 5 * y] = rotate(moved, (((step + 1) * (step + 2)) / 2) % 64);
    moved = lane;
  }
}

/** @param {bigint[]} lanes */
function chi(lanes) {
  for (let row = 0; row < 25; row += 5) {
    const [a, b, c, d, e] = lanes.slice(row, row + 5);
    const mixed = [a ^ (~b & c), b ^ (~c & d), c ^ (~d & e), d ^ (~e & a), e ^ (~a & b)];
    mixed.forEach((lane, at) => (lanes[row + at] = lane & LANE));
  }
}

/** @param {bigint[]} lanes */
function permute(lanes) {
  for (const constant of CONSTANTS) {
    theta(lanes);
    rhoAndPi(lanes);
    chi(lanes);
    lanes[0] ^= constant;
  }
}

/** @param {Uint8Array} message @param {number} octets at most 136 @returns {Uint8Array} */
export function shake256(message, octets) {
  const padded = new Uint8Array((Math.floor(message.length / RATE) + 1) * RATE);
  padded.set(message);
  padded[message.length] ^= 0x1f;
  padded[padded.length - 1] ^= 0x80;
  const view = new DataView(padded.buffer);
  const lanes = new Array(25).fill(0n);
  for (let block = 0; block < padded.length; block += RATE) {
    for (let at = 0; at < RATE / 8; at += 1) lanes[at] ^= view.getBigUint64(block + at * 8, true);
    permute(lanes);
  }
  const out = new DataView(new ArrayBuffer(RATE));
  for (let at = 0; at < RATE / 8; at += 1) out.setBigUint64(at * 8, lanes[at], true);
  return new Uint8Array(out.buffer, 0, octets);
}
