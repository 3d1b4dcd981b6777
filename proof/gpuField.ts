/**
 * WGSL of the field of `babyBear.ts` and of its extension. WGSL has no 64-bit integers: products go
 * through 16-bit halves and Montgomery's reduction, so `mont(a, b) = a·b·2^−32`.
 *
 * Storage holds canonical words, as everywhere; a factor that is raised by `2^32` beforehand gives
 * canonical products.
 */
import { mulMod, order, toField } from './babyBear.ts'

/** `2^32 mod p`: raises a factor. */
export const radix: number = toField(2 ** 32)
/** `2^64 mod p`. */
const radixSquared = mulMod(radix, radix)

/** `1/p mod 2^32`: `p = 1 + 15·2^27`, whose second term squared is a multiple of 2^32. */
const inverseWord = 2 ** 32 + 2 - order

export const fieldShader: string = `
const P = ${order}u;

fn add(a: u32, b: u32) -> u32 {
  let sum = a + b;
  return select(sum, sum - P, sum >= P);
}

fn sub(a: u32, b: u32) -> u32 {
  return select(a - b, a - b + P, a < b);
}

// High word first.
fn wide(a: u32, b: u32) -> vec2<u32> {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let low = al * bl;
  let cross = al * bh;
  let other = ah * bl;
  let mid = (low >> 16u) + (cross & 0xffffu) + (other & 0xffffu);
  let high = ah * bh + (cross >> 16u) + (other >> 16u) + (mid >> 16u);
  return vec2<u32>(high, (low & 0xffffu) | (mid << 16u));
}

// (high·2^32 + low) / 2^32 for high < P. The halves of P are 0x7800 and 1.
fn reduce(x: vec2<u32>) -> u32 {
  let m = x.y * ${inverseWord}u;
  let cross = (m & 0xffffu) * 0x7800u;
  let mid = (cross & 0xffffu) + (m >> 16u);
  let multiple = (m >> 16u) * 0x7800u + (cross >> 16u) + (mid >> 16u);
  return sub(x.x, multiple);
}

fn mont(a: u32, b: u32) -> u32 {
  return reduce(wide(a, b));
}
`

/** Elements `x^5 = 2`; their products, too, carry `2^−32`. */
export const extensionShader: string = `${fieldShader}
alias Element = array<u32, 5>;

fn addElements(a: Element, b: Element) -> Element {
  return Element(add(a[0], b[0]), add(a[1], b[1]), add(a[2], b[2]), add(a[3], b[3]), add(a[4], b[4]));
}

fn subElements(a: Element, b: Element) -> Element {
  return Element(sub(a[0], b[0]), sub(a[1], b[1]), sub(a[2], b[2]), sub(a[3], b[3]), sub(a[4], b[4]));
}

// Both high words stay below P, so their sum does not pass 2^32.
fn accumulate(sum: vec2<u32>, a: u32, b: u32) -> vec2<u32> {
  let term = wide(a, b);
  let low = sum.y + term.y;
  let high = sum.x + term.x + select(0u, 1u, low < term.y);
  return vec2<u32>(select(high, high - P, high >= P), low);
}

fn dot5(a: Element, b0: u32, b1: u32, b2: u32, b3: u32, b4: u32) -> u32 {
  var sum = accumulate(vec2<u32>(0u, 0u), a[0], b0);
  sum = accumulate(sum, a[1], b1);
  sum = accumulate(sum, a[2], b2);
  sum = accumulate(sum, a[3], b3);
  return reduce(accumulate(sum, a[4], b4));
}

fn times(a: Element, b: Element) -> Element {
  let d1 = add(b[1], b[1]);
  let d2 = add(b[2], b[2]);
  let d3 = add(b[3], b[3]);
  let d4 = add(b[4], b[4]);
  return Element(
    dot5(a, b[0], d4, d3, d2, d1),
    dot5(a, b[1], b[0], d4, d3, d2),
    dot5(a, b[2], b[1], b[0], d4, d3),
    dot5(a, b[3], b[2], b[1], b[0], d4),
    dot5(a, b[4], b[3], b[2], b[1], b[0]),
  );
}

// Times 2^32, so that a product with it is canonical.
fn raise(a: Element) -> Element {
  return Element(mont(a[0], ${radixSquared}u), mont(a[1], ${radixSquared}u),
    mont(a[2], ${radixSquared}u), mont(a[3], ${radixSquared}u), mont(a[4], ${radixSquared}u));
}
`
