/**
 * Kernels of the fraction tree. A quad is `p0, q0, p1, q1`: 80 bytes; a record is `p, q`.
 */
import {
  add,
  clear,
  elementBytes,
  gather,
  mul,
  mulAdd,
  raise,
  scatter,
  slot,
  splat,
  sub,
  sumOfLanes,
} from './lanes'

const quadBytes: usize = 80
const recordBytes: usize = 40

/** Up to `wanted` quads at slot `index`; missing ones as given. */
function paddedQuads(index: usize, from: usize, quads: i32, wanted: i32, missing: usize): usize {
  const to = slot(index)
  memory.copy(to, from, <usize>quads * quadBytes)
  for (let i = quads; i < wanted; i++) memory.copy(to + <usize>i * quadBytes, missing, quadBytes)
  return to
}

/**
 * `p = p0·q1 + p1·q0`, `q = q0·q1` of each quad; each line of `length` quads becomes a line of as many
 * records, padded to an even number by what `out` holds already.
 */
export function combine(out: usize, quads: usize, lines: i32, length: i32): void {
  for (let line = 0; line < lines; line++) {
    const from = quads + <usize>(line * length) * quadBytes
    const to = out + <usize>(line * (length + (length & 1))) * recordBytes
    for (let i = 0; i < length; i += 4) {
      const left = length - i
      const at = from + <usize>i * quadBytes
      if (left >= 4) {
        combineFour(to + <usize>i * recordBytes, at)
        continue
      }
      combineFour(slot(12), paddedQuads(8, at, left, 4, at))
      memory.copy(to + <usize>i * recordBytes, slot(12), <usize>left * recordBytes)
    }
  }
}

// @ts-ignore: decorator
@inline
function combineFour(to: usize, from: usize): void {
  gather(slot(0), from, quadBytes)
  gather(slot(1), from + elementBytes, quadBytes)
  gather(slot(2), from + 2 * elementBytes, quadBytes)
  gather(slot(3), from + 3 * elementBytes, quadBytes)
  raise(slot(3), slot(3))
  mul(slot(4), slot(1), slot(3))
  raise(slot(1), slot(1))
  mulAdd(slot(0), slot(0), slot(3), slot(2), slot(1))
  scatter(to, recordBytes, slot(0))
  scatter(to + elementBytes, recordBytes, slot(4))
}

/**
 * Binds the lowest variable of all quads to `r` (times `2^32`). `out` may be `quads`.
 *
 * @param missing - the quad that takes the place of a missing partner.
 */
export function foldQuads(
  out: usize,
  quads: usize,
  lines: i32,
  length: i32,
  r: usize,
  missing: usize,
): void {
  const factor = slot(0)
  const low = slot(1)
  const high = slot(2)
  splat(factor, r)
  let to = out
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i += 2) {
      const at = quads + <usize>(line * length + i) * quadBytes
      gather(low, at, elementBytes)
      gather(high, i + 1 < length ? at + quadBytes : missing, elementBytes)
      sub(high, high, low)
      mul(high, high, factor)
      add(low, low, high)
      scatter(to, elementBytes, low)
      to += quadBytes
    }
  }
}

/** `p1 += λ·q1` of every quad; `λ` comes times `2^32`. */
export function tiltQuads(quads: usize, length: i32, lambda: usize): void {
  splat(slot(0), lambda)
  for (let i = 0; i < length; i += 4) {
    const left = length - i
    let at = quads + <usize>i * quadBytes
    if (left < 4) at = paddedQuads(8, at, left, 4, at)
    gather(slot(1), at + 2 * elementBytes, quadBytes)
    gather(slot(2), at + 3 * elementBytes, quadBytes)
    mul(slot(2), slot(2), slot(0))
    add(slot(1), slot(1), slot(2))
    scatter(at + 2 * elementBytes, quadBytes, slot(1))
    if (left < 4)
      memory.copy(quads + <usize>i * quadBytes, slot(8), <usize>left * quadBytes)
  }
}

/**
 * `Σ_lines ofLine · Σ_pairs inLine · h`, `h = p0·q1 + p1·q0`, at 0 and of h's leading coefficient, both
 * over `2^96`; two elements into `out`.
 *
 * @param missing - the quad that takes the place of a missing partner.
 */
export function sumQuads(
  out: usize,
  quads: usize,
  lines: i32,
  length: i32,
  inLine: usize,
  ofLine: usize,
  missing: usize,
): void {
  clear(slot(9))
  clear(slot(10))
  for (let line = 0; line < lines; line++) {
    clear(slot(7))
    clear(slot(8))
    const from = quads + <usize>(line * length) * quadBytes
    for (let i = 0; i < length; i += 8) {
      const left = length - i
      let at = from + <usize>i * quadBytes
      let weights = inLine + <usize>(i >> 1) * elementBytes
      if (left < 8) {
        at = paddedQuads(12, at, left, 8, missing)
        clear(slot(11))
        memory.copy(slot(11), weights, <usize>((left + 1) >> 1) * elementBytes)
        weights = slot(11)
      }
      sumEight(at, weights)
    }
    splat(slot(0), ofLine + <usize>line * elementBytes)
    mul(slot(7), slot(7), slot(0))
    add(slot(9), slot(9), slot(7))
    mul(slot(8), slot(8), slot(0))
    add(slot(10), slot(10), slot(8))
  }
  sumOfLanes(out, slot(9))
  sumOfLanes(out + elementBytes, slot(10))
}

/** Four pairs of quads. */
// @ts-ignore: decorator
@inline
function sumEight(at: usize, weights: usize): void {
  for (let k: usize = 0; k < 4; k++) gather(slot(k), at + k * elementBytes, 2 * quadBytes)
  gather(slot(5), weights, elementBytes)
  mulAdd(slot(4), slot(0), slot(3), slot(2), slot(1))
  mul(slot(4), slot(4), slot(5))
  add(slot(7), slot(7), slot(4))
  for (let k: usize = 0; k < 4; k++) {
    gather(slot(4), at + quadBytes + k * elementBytes, 2 * quadBytes)
    sub(slot(k), slot(4), slot(k))
  }
  mulAdd(slot(4), slot(0), slot(3), slot(2), slot(1))
  mul(slot(4), slot(4), slot(5))
  add(slot(8), slot(8), slot(4))
}
