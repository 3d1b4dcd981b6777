/**
 * The kernels in WebAssembly SIMD. Products there carry a factor `2^−32`, which is put right here.
 */
import { mulMod, toField } from './babyBear.ts'
import { count, degree, type Element, type Elements, join, scaled, span } from './extension.ts'
import type { ColumnHasher, Kernels } from './kernels.ts'
import { eqTable } from './multilinear.ts'
import type { Domain } from './ntt.ts'
import type { Sha256 } from './sha256.ts'
import type { Arena } from './wasmArena.ts'

/** `2^32 mod p`. */
const radix: number = toField(2 ** 32)
const radixCubed: number = mulMod(radix, mulMod(radix, radix))
/** Vectors of elements end on a multiple of this many, so that tables can be filled by fours. */
const lanes = 4

/** A gigabyte of the four that there are: a layer, the columns and what is encoded lie there as well. */
const nearWords = 2 ** 28
/** Outside: two gigabytes for the levels of a large tree, and two for its layer. */
const keptWords = 2 ** 29

/** Longer messages are left to the platform. */
const shortBytes = 1024

/** The kernels of an arena. @param long - hashes long messages. */
export function kernelsOn(arena: Arena, long: Sha256): Kernels {
  const { exports, place, left, scope, addressOf, holds, vectorAt } = arena

  /** An element times `2^32`, until the scope ends. */
  const raised = (value: Element) => addressOf(scaled(value, radix))

  const short = shortHasher(arena)

  /** 0 stands for a vector that is not there. */
  const optional = (vector: Int32Array | null) => (vector === null ? 0 : addressOf(vector))

  /** Sums of three products, put right. */
  const cubed = (sums: Elements) => ({
    atZero: scaled(span(sums, 0, 1), radixCubed),
    leading: scaled(span(sums, 1, 2), radixCubed),
  })

  /** There if it is large enough, else anew. */
  const placeIn = (into: Elements | null | undefined, length: number) =>
    into !== null && into !== undefined && holds(into) && into.length >= length
      ? into.subarray(0, length)
      : place(length)

  function words(length: number): Uint32Array {
    return place(length).fill(0)
  }

  return {
    name: 'wasm',
    budget: { near: nearWords, kept: keptWords },
    words,
    room: place,
    left,
    scope,
    sha256: (bytes) => (bytes.length > shortBytes ? long(bytes) : short(bytes)),
    eqTable(point, length) {
      const table = place(degree * Math.ceil(length / lanes) * lanes)
      const first = Math.min(count(point), 2)
      table.set(eqTable(span(point, 0, first), Math.min(2 ** first, length)))
      for (let variable = first; variable < count(point); variable++)
        scope(() => {
          const r = raised(span(point, variable, variable + 1))
          exports.expand(table.byteOffset, 2 ** variable, length, r)
        })
      return table.subarray(0, degree * length)
    },
    foldLines(values, lines, length, r, missing, into) {
      const folded = placeIn(into, degree * lines * ((length + 1) >>> 1))
      scope(() => {
        const partner = missing === undefined ? 0 : addressOf(missing)
        const from = addressOf(values)
        exports.fold(folded.byteOffset, from, lines, length, raised(r), partner)
      })
      return folded
    },
    foldQuads(quads, lines, length, r, missing, into) {
      const folded = placeIn(into, 4 * degree * lines * ((length + 1) >>> 1))
      scope(() => {
        const from = addressOf(quads)
        exports.foldQuads(folded.byteOffset, from, lines, length, raised(r), addressOf(missing))
      })
      return folded
    },
    tiltQuads(quads, lambda) {
      scope(() => {
        const at = addressOf(quads)
        exports.tiltQuads(at, quads.length / (4 * degree), raised(lambda))
        if (!holds(quads)) quads.set(vectorAt(at, quads.length))
      })
    },
    fillUnits(evens, odds, parts, constants) {
      scope(() => {
        const [c1, c2, c3] = [...parts, null, null].map((part) => optional(part ?? null))
        const weights = span(constants, 1, 4).map((word) => mulMod(word, radix))
        const at = addressOf(join([span(constants, 0, 1), weights]))
        const to = [evens.byteOffset, odds.byteOffset] as const
        exports.fillUnits(...to, parts[0]!.length, c1!, c2!, c3!, at)
      })
    },
    combinePairs(out, evens, odds, lines, length) {
      scope(() => {
        const pairs = [addressOf(evens), addressOf(odds)] as const
        exports.combinePairs(out.byteOffset, ...pairs, lines, length)
      })
    },
    sumPairs(evens, odds, lines, length, inLine, ofLine, missing) {
      return scope(() => {
        const sums = place(2 * degree)
        const pairs = [addressOf(evens), addressOf(odds)] as const
        const weights = [addressOf(inLine), addressOf(ofLine)] as const
        exports.sumPairs(sums.byteOffset, ...pairs, lines, length, ...weights, addressOf(missing))
        return cubed(sums)
      })
    },
    fillLeaves(nodes, lines, length, { parts, numerators }, base, powers) {
      scope(() => {
        const [c1, c2, c3] = [...parts, null, null].map((part) => optional(part ?? null))
        const over = optional(numerators)
        const weights = span(powers, 1, 3).map((word) => mulMod(word, radix))
        const constants = addressOf(join([base, weights]))
        exports.leaves(addressOf(nodes), lines, length, c1!, c2!, c3!, over, constants)
      })
    },
    combineQuads(out, quads, lines, length) {
      scope(() => exports.combine(addressOf(out), addressOf(quads), lines, length))
    },
    sumQuads(quads, lines, length, inLine, ofLine, missing) {
      return scope(() => {
        const sums = place(2 * degree)
        const weights = [addressOf(inLine), addressOf(ofLine)] as const
        const from = addressOf(quads)
        exports.sumQuads(sums.byteOffset, from, lines, length, ...weights, addressOf(missing))
        return cubed(sums)
      })
    },
    sumProducts(a, b, lines, length, polynomialDegree) {
      return scope(() => {
        const sums = place(degree * polynomialDegree)
        const factors = [addressOf(a), addressOf(b)] as const
        exports.sumProducts(sums.byteOffset, ...factors, lines, length, polynomialDegree)
        return Uint32Array.from(sums, (word) => mulMod(word, radix))
      })
    },
    addOuter(matrix, stride, factors, vector) {
      scope(() => {
        const weights = addressOf(factors.map((word) => mulMod(word, radix)))
        const [rows, cols] = [count(factors), count(vector)]
        exports.addOuter(addressOf(matrix), rows, cols, stride, weights, addressOf(vector))
      })
    },
    encoder: (domain, width, stride = domain.size) => encoderOf(arena, domain, width, stride),
    hashColumns(code, rows, length, stride = length) {
      return scope(() => {
        const digests = place(8 * length)
        exports.hashColumns(digests.byteOffset, addressOf(code), rows, length, stride, 0, 0)
        return bytesOf(digests)
      })
    },
    codeElsewhere: () => null,
    holdElsewhere: () => undefined,
    quadsElsewhere: () => null,
    unitsElsewhere: () => null,
    columnHasher: (length) => columnHasherOf(arena, length),
    hashPairs(digests) {
      return scope(() => {
        const from = place(digests.length / 4)
        new Uint8Array(from.buffer, from.byteOffset, digests.length).set(digests)
        const above = place(digests.length / 8)
        exports.hashPairs(above.byteOffset, from.byteOffset, digests.length / 64)
        return bytesOf(above)
      })
    },
    weightRows({ values, rows, cols, stride }, weights) {
      return scope(() => {
        const sums = place(degree * cols)
        const from = addressOf(values)
        exports.weighRows(sums.byteOffset, from, rows, cols, stride, addressOf(weights))
        return sums.slice()
      })
    },
    weightColumns({ values, rows, cols, stride }, weights) {
      return scope(() => {
        const sums = place(degree * rows)
        const planes = place(degree * Math.ceil(cols / lanes) * lanes)
        exports.toPlanes(planes.byteOffset, addressOf(weights), cols)
        const from = addressOf(values)
        exports.weighColumns(sums.byteOffset, from, rows, cols, stride, planes.byteOffset)
        return sums.slice()
      })
    },
    innerProduct(a, b) {
      return scope(() => {
        const sum = place(degree)
        exports.innerProduct(sum.byteOffset, addressOf(a), addressOf(b), count(a))
        return scaled(sum, radix)
      })
    },
    rowSums: (width) => rowSumsOf(arena, width),
  }
}

/** Its messages and digests have a place of their own for as long as the arena lives. */
function shortHasher({ exports, place }: Arena): Sha256 {
  const digest = viewOf(place(8))
  const message = viewOf(place((shortBytes + 128) / 4))
  return (bytes) => {
    message.set(bytes)
    exports.hashMessage(digest.byteOffset, message.byteOffset, bytes.length)
    return digest.slice()
  }
}

/** A copy. */
function bytesOf(words: Uint32Array): Uint8Array {
  return viewOf(words).slice()
}

function viewOf({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** Twiddles times `2^32`, made once for each size. */
function raisedTwiddles(size: number, twiddles: Int32Array): Uint32Array {
  const known = factorsOf.get(size)
  if (known !== undefined) return known
  const made = Uint32Array.from(twiddles, (word) => mulMod(word, radix))
  factorsOf.set(size, made)
  return made
}

const factorsOf = new Map<number, Uint32Array>()

/** The plan of one code lives until the scope ends. */
function encoderOf(
  { exports, place, scope, addressOf }: Arena,
  { size, twiddles }: Domain,
  width: number,
  stride: number,
): (messages: Int32Array, out: Uint32Array) => void {
  let run = 1
  while (2 * run * width <= size) run *= 2
  const groups = size / run
  const order = place(groups)
  // Bit-reversed: the second half counts as the first does, plus the lowest bit.
  order[0] = 0
  for (let half = 1; half < groups; half *= 2)
    for (let i = 0; i < half; i++) order[half + i] = order[i]! + groups / (2 * half)
  const factors = place(size)
  factors.set(raisedTwiddles(size, twiddles))
  return (messages, out) =>
    scope(() => {
      const rows = messages.length / width
      const plan = [width, run, order.byteOffset, factors.byteOffset, stride] as const
      exports.encodeRows(out.byteOffset, size, rows, addressOf(messages), ...plan)
    })
}

/** Words that four unfinished digests take. */
const heldWords = 36

function columnHasherOf(arena: Arena, length: number): ColumnHasher {
  const { exports, place, scope, addressOf } = arena
  const held = place((heldWords * length) / 4)
  const digests = place(8 * length)
  let done = 0
  return {
    add(code, rows, stride, last) {
      scope(() => {
        const block = [addressOf(code), rows, length, stride] as const
        exports.hashColumns(last ? digests.byteOffset : 0, ...block, held.byteOffset, done)
      })
      done += rows
    },
    digests: () => bytesOf(digests),
  }
}

function rowSumsOf({ exports, place, scope, addressOf }: Arena, width: number) {
  const planes = place(degree * width).fill(0)
  return {
    add(
      weights: Elements,
      w: number,
      values: Int32Array,
      from: number,
      length: number,
      to: number,
    ): void {
      scope(() => {
        const factors = addressOf(scaled(weights.subarray(w, w + degree), radix))
        const run = addressOf(values.subarray(from, from + length))
        exports.addWeighted(planes.byteOffset, width, to, run, length, factors)
      })
    },
    total(): Elements {
      const sums = new Uint32Array(degree * width)
      for (let i = 0; i < width; i++)
        for (let k = 0; k < degree; k++) sums[degree * i + k] = planes[width * k + i]!
      return sums
    },
  }
}
