/**
 * What the kernels mean, in plain TypeScript.
 */
import {
  addInto,
  at,
  count,
  degree,
  type Element,
  element,
  mulInto,
  plus,
  times,
} from './extension.ts'
import { combineStrip, foldStrip, sumLine, tiltStrip } from './fractionTree.ts'
import type { ColumnHasher, Kernels } from './kernels.ts'
import { hashColumns } from './ligero.ts'
import { innerProduct, RowAccumulator, weightColumns, weightRows } from './linear.ts'
import { fillLeaves } from './lookups.ts'
import { eqTable, foldLines } from './multilinear.ts'
import { hashPairs } from './multiproof.ts'
import { evaluateOnDomain } from './ntt.ts'
import { sha256 } from './sha256.ts'
import { sumProducts } from './sumcheck.ts'
import { combinePairs, fillUnits, sumPairs } from './unitLeaves.ts'

export const referenceKernels: Kernels = {
  name: 'reference',
  budget: { near: Number.POSITIVE_INFINITY, kept: Number.POSITIVE_INFINITY },
  words: (length) => new Uint32Array(length),
  room: (length) => new Uint32Array(length),
  left: () => Number.POSITIVE_INFINITY,
  scope: (action) => action(),
  sha256,
  eqTable,
  foldLines,
  foldQuads: (quads, lines, length, r, missing) => foldStrip(quads, { lines, length }, r, missing),
  tiltQuads: tiltStrip,
  fillUnits,
  combinePairs,
  sumPairs,
  fillLeaves,
  combineQuads: (out, quads, lines, length) => combineStrip(out, length, quads, lines * length),
  sumQuads(quads, lines, length, inLine, ofLine, missing) {
    const words = 4 * degree * length
    let atZero = element(0)
    let leading = element(0)
    for (let line = 0; line < lines; line++) {
      const sums = { atZero: element(0), leading: element(0) }
      sumLine(sums, quads, words * line, length, inLine, missing)
      atZero = plus(atZero, times(at(ofLine, line), sums.atZero))
      leading = plus(leading, times(at(ofLine, line), sums.leading))
    }
    return { atZero, leading }
  },
  sumProducts,
  addOuter(matrix, stride, factors, vector) {
    const product: Element = new Uint32Array(degree)
    for (let row = 0; row < count(factors); row++)
      for (let i = 0; i < vector.length; i += degree) {
        const to = degree * row * stride + i
        mulInto(product, 0, factors, degree * row, vector, i)
        addInto(matrix, to, matrix, to, product, 0)
      }
  },
  encoder:
    (domain, width, stride = domain.size) =>
    (messages, out) => {
      for (let i = 0; i < messages.length / width; i++)
        evaluateOnDomain(domain, messages.subarray(i * width, (i + 1) * width), out, i * stride)
    },
  hashColumns,
  codeElsewhere: () => null,
  holdElsewhere: () => undefined,
  quadsElsewhere: () => null,
  unitsElsewhere: () => null,
  columnHasher,
  hashPairs,
  weightRows,
  weightColumns,
  innerProduct,
  rowSums: (width) => new RowAccumulator(width),
}

/** Keeps all rows until the last. */
function columnHasher(length: number): ColumnHasher {
  const rows: Uint32Array[] = []
  return {
    add(code, amount, stride) {
      for (let row = 0; row < amount; row++)
        rows.push(code.slice(row * stride, row * stride + length))
    },
    digests() {
      const code = new Uint32Array(rows.length * length)
      for (const [i, row] of rows.entries()) code.set(row, i * length)
      return hashColumns(code, rows.length, length)
    },
  }
}
