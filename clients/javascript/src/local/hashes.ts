// The first words of SHA-256 and MD5, at once: WebCrypto has no MD5 and answers later.
//
// A decision takes both. Variables are set one by one: engines take an array apart by its
// iterator, which costs three times the rounds.

const encoder = new TextEncoder();
let bytes = new Uint8Array(1024);
let view = new DataView(bytes.buffer);
const words = new Int32Array(64);

// The constants of both are bits of irrational numbers.
const primes: number[] = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
const fraction = (x: number) => ((x % 1) * 2 ** 32) | 0;
const SHA_START = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
const SHA_ROUNDS = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
const MD5_ROUNDS = Int32Array.from(
  primes,
  (_, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32) | 0,
);

let encoded = "";
let length = 0;
let end = 0;

/** Write a text and its padding into `bytes`. Both hashes are of the same text. */
function encode(text: string): void {
  if (bytes.length < text.length * 3 + 80) {
    bytes = new Uint8Array(text.length * 6 + 80);
    view = new DataView(bytes.buffer);
  }
  encoded = text;
  length = text.length;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code > 127) {
      // The encoder takes longer than all of this for a short text.
      length = encoder.encodeInto(text, bytes).written;
      break;
    }
    bytes[index] = code;
  }
  end = (length + 72) & ~63;
  bytes[length] = 0x80;
  for (let index = length + 1; index < end; index++) bytes[index] = 0;
}

const rotate = (x: number, by: number) => (x >>> by) | (x << (32 - by));

/** Return the first two 32-bit words of a text's SHA-256, big-endian. */
export function hashSha256(text: string): [number, number] {
  if (text !== encoded || !length) encode(text);
  view.setInt32(end - 8, 0);
  view.setInt32(end - 4, length * 8);
  const w = words;
  const k = SHA_ROUNDS;
  let h0 = SHA_START[0]!;
  let h1 = SHA_START[1]!;
  let h2 = SHA_START[2]!;
  let h3 = SHA_START[3]!;
  let h4 = SHA_START[4]!;
  let h5 = SHA_START[5]!;
  let h6 = SHA_START[6]!;
  let h7 = SHA_START[7]!;
  for (let start = 0; start < end; start += 64) {
    for (let t = 0; t < 16; t++) w[t] = view.getInt32(start + 4 * t);
    for (let t = 16; t < 64; t++) {
      const x = w[t - 15]!;
      const y = w[t - 2]!;
      const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
      const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
      w[t] = s1 + w[t - 7]! + s0 + w[t - 16]!;
    }
    let a = h0;
    let b = h1;
    let c = h2;
    let d = h3;
    let e = h4;
    let f = h5;
    let g = h6;
    let h = h7;
    for (let t = 0; t < 64; t++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const first = (h + s1 + (g ^ (e & (f ^ g))) + k[t]! + w[t]!) | 0;
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const second = (s0 + ((a & b) | (c & (a | b)))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    h0 = (h0 + a) | 0;
    h1 = (h1 + b) | 0;
    h2 = (h2 + c) | 0;
    h3 = (h3 + d) | 0;
    h4 = (h4 + e) | 0;
    h5 = (h5 + f) | 0;
    h6 = (h6 + g) | 0;
    h7 = (h7 + h) | 0;
  }
  return [h0 >>> 0, h1 >>> 0];
}

/** One step of MD5: rotate the sum to the left, and add. */
const step = (sum: number, by: number, to: number) =>
  (((sum << by) | (sum >>> (32 - by))) + to) | 0;

/** Return the first 8 hex characters of a text's MD5, as a number. */
export function hashMd5(text: string): number {
  if (text !== encoded || !length) encode(text);
  view.setInt32(end - 8, length * 8, true);
  view.setInt32(end - 4, 0);
  const w = words;
  const k = MD5_ROUNDS;
  let h0 = 0x67452301;
  let h1 = 0xefcdab89 | 0;
  let h2 = 0x98badcfe | 0;
  let h3 = 0x10325476;
  for (let start = 0; start < end; start += 64) {
    for (let t = 0; t < 16; t++) w[t] = view.getInt32(start + 4 * t, true);
    let a = h0;
    let b = h1;
    let c = h2;
    let d = h3;
    // Four steps a turn: no value needs to move from variable to variable.
    for (let t = 0; t < 16; t += 4) {
      a = step(a + (d ^ (b & (c ^ d))) + k[t]! + w[t]!, 7, b);
      d = step(d + (c ^ (a & (b ^ c))) + k[t + 1]! + w[t + 1]!, 12, a);
      c = step(c + (b ^ (d & (a ^ b))) + k[t + 2]! + w[t + 2]!, 17, d);
      b = step(b + (a ^ (c & (d ^ a))) + k[t + 3]! + w[t + 3]!, 22, c);
    }
    for (let t = 16; t < 32; t += 4) {
      a = step(a + (c ^ (d & (b ^ c))) + k[t]! + w[(5 * t + 1) & 15]!, 5, b);
      d = step(d + (b ^ (c & (a ^ b))) + k[t + 1]! + w[(5 * t + 6) & 15]!, 9, a);
      c = step(c + (a ^ (b & (d ^ a))) + k[t + 2]! + w[(5 * t + 11) & 15]!, 14, d);
      b = step(b + (d ^ (a & (c ^ d))) + k[t + 3]! + w[(5 * t) & 15]!, 20, c);
    }
    for (let t = 32; t < 48; t += 4) {
      a = step(a + (b ^ c ^ d) + k[t]! + w[(3 * t + 5) & 15]!, 4, b);
      d = step(d + (a ^ b ^ c) + k[t + 1]! + w[(3 * t + 8) & 15]!, 11, a);
      c = step(c + (d ^ a ^ b) + k[t + 2]! + w[(3 * t + 11) & 15]!, 16, d);
      b = step(b + (c ^ d ^ a) + k[t + 3]! + w[(3 * t + 14) & 15]!, 23, c);
    }
    for (let t = 48; t < 64; t += 4) {
      a = step(a + (c ^ (b | ~d)) + k[t]! + w[(7 * t) & 15]!, 6, b);
      d = step(d + (b ^ (a | ~c)) + k[t + 1]! + w[(7 * t + 7) & 15]!, 10, a);
      c = step(c + (a ^ (d | ~b)) + k[t + 2]! + w[(7 * t + 14) & 15]!, 15, d);
      b = step(b + (d ^ (c | ~a)) + k[t + 3]! + w[(7 * t + 5) & 15]!, 21, c);
    }
    h0 = (h0 + a) | 0;
    h1 = (h1 + b) | 0;
    h2 = (h2 + c) | 0;
    h3 = (h3 + d) | 0;
  }
  // The digest is written with the lowest byte first.
  return ((h0 << 24) | ((h0 & 0xff00) << 8) | ((h0 >>> 8) & 0xff00) | (h0 >>> 24)) >>> 0;
}
