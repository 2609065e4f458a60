// CRC-32 and SHA-256 in plain JavaScript: `crypto.subtle` exists on https and localhost only.

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * CRC-32, as in zlib and PNG, of several pieces one after the other.
 *
 * @param {...Uint8Array} pieces
 * @returns {number} 0 to 2^32 - 1
 */
export function crc32(...pieces) {
  let crc = 0xffffffff;
  for (const piece of pieces) {
    for (let i = 0; i < piece.length; i++) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ piece[i]) & 255];
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** The first 32 bits of the fractional part of the `power`-th root of the first primes. */
function rootsOfPrimes(count, power) {
  const primes = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((p) => n % p)) primes.push(n);
  }
  return Uint32Array.from(primes, (prime) => {
    // Exact, by bisection in integers: the largest r with r^power <= prime * 2^(32 power).
    const target = BigInt(prime) << BigInt(32 * power);
    let low = 0n;
    for (let bit = 1n << 40n; bit; bit >>= 1n) {
      if ((low + bit) ** BigInt(power) <= target) low += bit;
    }
    return Number(low & 0xffffffffn);
  });
}

const INITIAL = rootsOfPrimes(8, 2);
const ROUNDS = rootsOfPrimes(64, 3);

/**
 * SHA-256 of some bytes (FIPS 180-4).
 *
 * @param {Uint8Array} data
 * @returns {Uint8Array} 32 bytes
 */
export function sha256(data) {
  const state = INITIAL.slice();
  const schedule = new Uint32Array(64);
  const whole = data.length - (data.length % 64);
  for (let at = 0; at < whole; at += 64) compressBlock(state, schedule, data, at);

  const rest = data.length - whole;
  const tail = new Uint8Array(rest < 56 ? 64 : 128);
  tail.set(data.subarray(whole));
  tail[rest] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(data.length / 2 ** 29));
  view.setUint32(tail.length - 4, (data.length << 3) >>> 0);
  for (let at = 0; at < tail.length; at += 64) compressBlock(state, schedule, tail, at);

  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setUint32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

function compressBlock(state, schedule, data, at) {
  for (let i = 0; i < 16; i++) {
    const b = at + 4 * i;
    schedule[i] = (data[b] << 24) | (data[b + 1] << 16) | (data[b + 2] << 8) | data[b + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = schedule[i - 15];
    const y = schedule[i - 2];
    const low = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const high = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    schedule[i] = schedule[i - 16] + low + schedule[i - 7] + high;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const sigma = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = (h + sigma + ((e & f) ^ (~e & g)) + ROUNDS[i] + schedule[i]) | 0;
    const second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] += word;
  });
}

function rotate(x, bits) {
  return (x >>> bits) | (x << (32 - bits));
}

/** Bytes as lower-case hexadecimal digits. */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
