// The first words of SHA-256 and MD5, at once: WebCrypto has no MD5 and answers later.

const encoder = new TextEncoder();
let bytes = new Uint8Array(1024);
const words = new Int32Array(64);
const state = new Int32Array(8);

// The constants of both are bits of irrational numbers.
const primes: number[] = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
const fraction = (x: number) => ((x % 1) * 2 ** 32) | 0;
const SHA_START = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
const SHA_ROUNDS = Int32Array.from(primes, (p) => fraction(Math.cbrt(p)));
const MD5_START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const;
const MD5_ROUNDS = Int32Array.from(
  primes,
  (_, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32) | 0,
);
const MD5_WORDS = Uint8Array.from(
  primes,
  (_, t) => (t < 16 ? t : t < 32 ? 5 * t + 1 : t < 48 ? 3 * t + 5 : 7 * t) & 15,
);
const MD5_SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

let encoded = "";
let length = 0;

/** Write a text into `bytes`. Both hashes are of the same text: it is written once. */
function encode(text: string): void {
  if (bytes.length < text.length * 3 + 80) bytes = new Uint8Array(text.length * 6 + 80);
  encoded = text;
  length = text.length;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    // The encoder takes longer than all of this for a short text.
    if (code > 127) return void (length = encoder.encodeInto(text, bytes).written);
    bytes[index] = code;
  }
}

/** Write a text and its padding into `bytes`; return how many of them. */
function pad(text: string, isBigEndian: boolean): number {
  if (text !== encoded || !length) encode(text);
  const end = (length + 72) & ~63;
  bytes.fill(0, length, end);
  bytes[length] = 0x80;
  for (let index = 0; index < 4; index++) {
    const bits = (length * 8) >>> (8 * index);
    bytes[isBigEndian ? end - 1 - index : end - 8 + index] = bits;
  }
  return end;
}

const rotate = (x: number, by: number) => (x >>> by) | (x << (32 - by));

/** Return the first two 32-bit words of a text's SHA-256, big-endian. */
export function hashSha256(text: string): [number, number] {
  const end = pad(text, true);
  state.set(SHA_START);
  for (let start = 0; start < end; start += 64) addShaBlock(start);
  return [state[0]! >>> 0, state[1]! >>> 0];
}

function addShaBlock(start: number): void {
  for (let t = 0, i = start; t < 16; t++, i += 4) {
    words[t] =
      (bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!;
  }
  for (let t = 16; t < 64; t++) {
    const x = words[t - 15]!;
    const y = words[t - 2]!;
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    words[t] = s1 + words[t - 7]! + s0 + words[t - 16]!;
  }
  let [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!];
  let [e, f, g, h] = [state[4]!, state[5]!, state[6]!, state[7]!];
  for (let t = 0; t < 64; t++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = (h + s1 + ((e & f) ^ (~e & g)) + SHA_ROUNDS[t]! + words[t]!) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}

/** Return the first 8 hex characters of a text's MD5, as a number. */
export function hashMd5(text: string): number {
  const end = pad(text, false);
  state.set(MD5_START);
  for (let start = 0; start < end; start += 64) addMd5Block(start);
  // The digest is written with the lowest byte first.
  const first = state[0]!;
  return (
    ((first << 24) | ((first & 0xff00) << 8) | ((first >>> 8) & 0xff00) | (first >>> 24)) >>> 0
  );
}

function addMd5Block(start: number): void {
  for (let t = 0, i = start; t < 16; t++, i += 4) {
    words[t] =
      bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
  }
  let [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!];
  // Four rounds a turn: no value needs to move from variable to variable.
  for (let t = 0; t < 64; t += 4) {
    const by = t & 48;
    const s = by >> 2;
    a = (b + turn(a + mixMd5(by, b, c, d), t, MD5_SHIFTS[s]!)) | 0;
    d = (a + turn(d + mixMd5(by, a, b, c), t + 1, MD5_SHIFTS[s + 1]!)) | 0;
    c = (d + turn(c + mixMd5(by, d, a, b), t + 2, MD5_SHIFTS[s + 2]!)) | 0;
    b = (c + turn(b + mixMd5(by, c, d, a), t + 3, MD5_SHIFTS[s + 3]!)) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
}

function mixMd5(round: number, b: number, c: number, d: number): number {
  if (round === 0) return d ^ (b & (c ^ d));
  if (round === 16) return c ^ (d & (b ^ c));
  return round === 32 ? b ^ c ^ d : c ^ (b | ~d);
}

function turn(sum: number, t: number, by: number): number {
  const word = (sum + MD5_ROUNDS[t]! + words[MD5_WORDS[t]!]!) | 0;
  return (word << by) | (word >>> (32 - by));
}
