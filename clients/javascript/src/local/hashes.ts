// The first words of SHA-256 and MD5, at once: WebCrypto has no MD5 and answers later.

const encoder = new TextEncoder();
let bytes = new Uint8Array(1024);
const words = new Int32Array(64);

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
const MD5_SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

/** Write a text and its padding into `bytes`; return how many of them. */
function pad(text: string, isBigEndian: boolean): number {
  if (bytes.length < text.length * 3 + 80) bytes = new Uint8Array(text.length * 6 + 80);
  const { written } = encoder.encodeInto(text, bytes);
  const end = (written + 72) & ~63;
  bytes.fill(0, written, end);
  bytes[written] = 0x80;
  for (let index = 0; index < 4; index++) {
    const bits = (written * 8) >>> (8 * index);
    bytes[isBigEndian ? end - 1 - index : end - 8 + index] = bits;
  }
  return end;
}

const rotate = (x: number, by: number) => (x >>> by) | (x << (32 - by));

/** Return the first two 32-bit words of a text's SHA-256, big-endian. */
export function hashSha256(text: string): [number, number] {
  const end = pad(text, true);
  const state = Int32Array.from(SHA_START);
  for (let start = 0; start < end; start += 64) addShaBlock(state, start);
  return [state[0]! >>> 0, state[1]! >>> 0];
}

function addShaBlock(state: Int32Array, start: number): void {
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
  let [a, b, c, d, e, f, g, h] = state as unknown as [
    ...[number, number, number, number],
    ...[number, number, number, number],
  ];
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
  [a, b, c, d, e, f, g, h].forEach((word, index) => (state[index]! += word));
}

/** Return the first 8 hex characters of a text's MD5, as a number. */
export function hashMd5(text: string): number {
  const end = pad(text, false);
  let [a, b, c, d]: [number, number, number, number] = [...MD5_START];
  for (let start = 0; start < end; start += 64) {
    const before = [a, b, c, d] as const;
    for (let t = 0, i = start; t < 16; t++, i += 4) {
      words[t] =
        bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    }
    for (let t = 0; t < 64; t++) {
      let mixed = c ^ (b | ~d);
      let word = 7 * t;
      if (t < 16) [mixed, word] = [(b & c) | (~b & d), t];
      else if (t < 32) [mixed, word] = [(d & b) | (~d & c), 5 * t + 1];
      else if (t < 48) [mixed, word] = [b ^ c ^ d, 3 * t + 5];
      const sum = (a + mixed + MD5_ROUNDS[t]! + words[word & 15]!) | 0;
      const by = MD5_SHIFTS[((t >> 4) << 2) | (t & 3)]!;
      a = d;
      d = c;
      c = b;
      b = (b + rotate(sum, 32 - by)) | 0;
    }
    a = (a + before[0]) | 0;
    b = (b + before[1]) | 0;
    c = (c + before[2]) | 0;
    d = (d + before[3]) | 0;
  }
  // The digest is written with the lowest byte first.
  return (
    ((a << 24) | ((a & 0xff00) << 8) | ((a >>> 8) & 0xff00) | (a >>> 24)) >>> 0
  );
}
