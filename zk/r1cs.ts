/**
 * A compiled circuit: rank-1 constraints over BN254's scalars, as circom writes them.
 *
 * The file is our own compiler's output, so what does not fit is a mistake of ours and throws.
 *
 * @see https://github.com/iden3/r1csfile/blob/master/doc/r1cs_bin_format.md
 */
import { invariant } from '../primitives/result.ts'
import { scalarOrder } from './bn254.ts'

/** `Σ coefficient · wire` */
export type Combination = readonly (readonly [wire: number, coefficient: bigint])[]

/** `a · b = c` */
export type Constraint = {
  readonly a: Combination
  readonly b: Combination
  readonly c: Combination
}

export type R1cs = {
  /** Wire 0 is the constant one; outputs, public inputs, private inputs and inner wires follow. */
  readonly wires: number
  readonly publicOutputs: number
  readonly publicInputs: number
  readonly privateInputs: number
  readonly constraints: readonly Constraint[]
}

/** @throws {Bug} if `bytes` are not an r1cs file over this field. */
export function parseR1cs(bytes: Uint8Array): R1cs {
  const sections = sectionsOf(bytes, 'r1cs')
  const header = readerOf(sections.get(1)!)
  invariant(header.u32() === 32, 'r1cs: 32-byte field')
  invariant(header.scalar() === scalarOrder, 'r1cs: another field')
  const [wires, publicOutputs, publicInputs, privateInputs] = [0, 0, 0, 0].map(() => header.u32())
  header.u32()
  header.u32()
  const count = header.u32()
  const body = readerOf(sections.get(2)!)
  const combination = (): Combination =>
    Array.from({ length: body.u32() }, () => [body.u32(), body.scalar()] as const)
  const constraints = Array.from({ length: count }, () => ({
    a: combination(),
    b: combination(),
    c: combination(),
  }))
  return {
    wires: wires!,
    publicOutputs: publicOutputs!,
    publicInputs: publicInputs!,
    privateInputs: privateInputs!,
    constraints,
  }
}

/** The first constraint that `witness` breaks; null if it breaks none. */
export function brokenConstraint(r1cs: R1cs, witness: readonly bigint[]): number | null {
  const value = (terms: Combination) =>
    terms.reduce((sum, [wire, factor]) => sum + factor * witness[wire]!, 0n)
  const index = r1cs.constraints.findIndex(
    ({ a, b, c }) => (value(a) * value(b) - value(c)) % scalarOrder !== 0n,
  )
  return index === -1 ? null : index
}

/** The scalars of a witness file: one for each wire. */
export function parseWitness(bytes: Uint8Array): readonly bigint[] {
  const body = sectionsOf(bytes, 'wtns').get(2)!
  const reader = readerOf(body)
  return Array.from({ length: body.length / 32 }, () => reader.scalar())
}

/** Sections by number of a file in the format that circom and snarkjs share. */
export function sectionsOf(bytes: Uint8Array, magic: string): ReadonlyMap<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  invariant(
    new TextDecoder().decode(bytes.subarray(0, 4)) === magic,
    `sectionsOf: not a ${magic} file`,
  )
  const sections = new Map<number, Uint8Array>()
  let at = 12
  for (let i = view.getUint32(8, true); i > 0; i--) {
    const length = Number(view.getBigUint64(at + 4, true))
    sections.set(view.getUint32(at, true), bytes.subarray(at + 12, at + 12 + length))
    at += 12 + length
  }
  return sections
}

type Reader = { readonly u32: () => number; readonly scalar: () => bigint }

function readerOf(bytes: Uint8Array): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  const u64 = () => {
    at += 8
    return view.getBigUint64(at - 8, true)
  }
  return {
    u32: () => {
      at += 4
      return view.getUint32(at - 4, true)
    },
    scalar: () => u64() | (u64() << 64n) | (u64() << 128n) | (u64() << 192n),
  }
}
