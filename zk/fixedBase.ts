/**
 * Many multiples of the groups' generators, as a setup needs them: tables of `d · 2^(8w) · G` turn a
 * multiplication into at most 32 additions.
 */
import { type G2, g1Generator, g2Generator } from './bn254.ts'
import { fpBytes, g1Bytes, g2Bytes, loadMcl, type Mcl, putFp, putWord, takeFp } from './mcl.ts'

/**
 * The multiples as snarkjs keeps points in its files: affine, each coordinate 32 little-endian bytes in
 * Montgomery form, infinity as zeros. 64 bytes each in the first group, 128 in the second.
 */
export type FixedBase = {
  readonly g1: (scalars: readonly bigint[]) => Uint8Array
  readonly g2: (scalars: readonly bigint[]) => Uint8Array
}

const windows = 32
const digits = 255
/** Points normalised together. */
const batch = 512
/** 2^256 modulo the order of the coordinates' field. */
const montgomery = 6350874878119819312338956282401532409788428879151445726012394534686998597021n

export async function openFixedBase(): Promise<FixedBase> {
  const mcl = await loadMcl()
  const scratch = mcl._malloc(32)
  const factor = mcl._malloc(fpBytes)
  putFp(mcl, scratch, factor, montgomery)
  const g1 = groupOf(mcl, scratch, 2, g1Bytes, [g1Generator.x, g1Generator.y])
  const g2 = groupOf(mcl, scratch, 4, g2Bytes, g2Words(g2Generator))
  return {
    g1: (scalars) => multiples(mcl, g1, scratch, factor, scalars),
    g2: (scalars) => multiples(mcl, g2, scratch, factor, scalars),
  }
}

/** One of the two groups: how wide a point is, and the table of its generator's multiples. */
type Group = {
  /** Coordinates of the base field in an affine point. */
  readonly width: number
  readonly bytes: number
  readonly table: number
  readonly clear: (point: number) => void
  readonly add: (to: number, left: number, right: number) => void
  readonly normalize: (to: number, from: number, count: number) => void
  readonly isZero: (point: number) => number
}

function groupOf(
  mcl: Mcl,
  scratch: number,
  width: number,
  bytes: number,
  generator: readonly bigint[],
): Group {
  const table = mcl._malloc(windows * digits * bytes)
  const group: Group =
    width === 2
      ? {
          ...{ width, bytes, table, clear: mcl._mclBnG1_clear, add: mcl._mclBnG1_add },
          ...{ normalize: mcl._mclBnG1_normalizeVec, isZero: mcl._mclBnG1_isZero },
        }
      : {
          ...{ width, bytes, table, clear: mcl._mclBnG2_clear, add: mcl._mclBnG2_add },
          ...{ normalize: mcl._mclBnG2_normalizeVec, isZero: mcl._mclBnG2_isZero },
        }
  group.clear(table)
  for (const [i, value] of generator.entries()) putFp(mcl, scratch, table + i * fpBytes, value)
  mcl._mclBnFp_setInt32(table + width * fpBytes, 1)
  if (width === 4) mcl._mclBnFp_setInt32(table + 5 * fpBytes, 0)
  for (let i = 1; i < windows * digits; i++) {
    const before = table + (i - 1) * bytes
    // The next digit adds the window's first point; the next window begins with 256 times the last's.
    const unit = table + Math.floor((i - 1) / digits) * digits * bytes
    group.add(table + i * bytes, before, unit)
  }
  group.normalize(table, table, windows * digits)
  return group
}

function multiples(
  mcl: Mcl,
  group: Group,
  scratch: number,
  factor: number,
  scalars: readonly bigint[],
): Uint8Array {
  const { bytes } = group
  const size = group.width * 32
  const out = new Uint8Array(scalars.length * size)
  const points = mcl._malloc(batch * bytes)
  for (let from = 0; from < scalars.length; from += batch) {
    const part = scalars.slice(from, from + batch)
    for (const [i, scalar] of part.entries())
      multiply(mcl, group, scratch, points + i * bytes, scalar)
    group.normalize(points, points, part.length)
    for (let i = 0; i < part.length; i++)
      if (group.isZero(points + i * bytes) === 0)
        take(mcl, group, scratch, factor, points + i * bytes, out.subarray((from + i) * size))
  }
  mcl._free(points)
  return out
}

/** `scalar · G` at `point`: one addition for each byte that is not 0. */
function multiply(
  mcl: Mcl,
  { clear, add, table, bytes }: Group,
  scratch: number,
  point: number,
  scalar: bigint,
): void {
  clear(point)
  putWord(mcl, scratch, scalar)
  for (let w = 0; w < windows; w++) {
    const digit = mcl.HEAPU8[scratch + w]!
    if (digit !== 0) add(point, point, table + (w * digits + digit - 1) * bytes)
  }
}

/** The affine point's coordinates, in Montgomery form. */
function take(
  mcl: Mcl,
  { width }: Group,
  scratch: number,
  factor: number,
  point: number,
  out: Uint8Array,
): void {
  for (let c = 0; c < width; c++) {
    const at = point + c * fpBytes
    mcl._mclBnFp_mul(at, at, factor)
    out.set(takeFp(mcl, scratch, at), c * 32)
  }
}

function g2Words({ x, y }: G2): readonly bigint[] {
  return [...x, ...y]
}
