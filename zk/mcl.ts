/**
 * mcl in WebAssembly, set to BN254. An instance of its own, because mcl knows one curve at a time and
 * the EVM's BLS12-381 has the other. Integer arithmetic only: every machine gives the same answer.
 */
import createModule from 'mcl-wasm/dist/mcl_c.js'
import { Bug, invariant } from '../primitives/result.ts'

/** The functions of mcl's C interface that are used; pointers are byte offsets into `HEAPU8`. */
export type Mcl = {
  readonly HEAPU8: Uint8Array
  readonly _malloc: (bytes: number) => number
  readonly _free: (pointer: number) => void
  readonly _mclBn_init: (curve: number, compiled: number) => number
  readonly _mclBnFp_setLittleEndian: (to: number, from: number, bytes: number) => number
  readonly _mclBnFp_getLittleEndian: (to: number, bytes: number, from: number) => number
  readonly _mclBnFp_setInt32: (to: number, value: number) => void
  readonly _mclBnFp_mul: (to: number, left: number, right: number) => void
  readonly _mclBnFr_setLittleEndian: (to: number, from: number, bytes: number) => number
  readonly _mclBnG1_isZero: (point: number) => number
  readonly _mclBnG1_normalize: (to: number, from: number) => void
  readonly _mclBnG1_mulVec: (to: number, points: number, scalars: number, count: number) => void
  readonly _mclBnG1_clear: (point: number) => void
  readonly _mclBnG1_add: (to: number, left: number, right: number) => void
  readonly _mclBnG1_normalizeVec: (to: number, from: number, count: number) => void
  readonly _mclBnG2_clear: (point: number) => void
  readonly _mclBnG2_add: (to: number, left: number, right: number) => void
  readonly _mclBnG2_normalizeVec: (to: number, from: number, count: number) => void
  readonly _mclBnG2_isZero: (point: number) => number
  readonly _mclBnG2_isValidOrder: (point: number) => number
  readonly _mclBn_millerLoopVec: (to: number, g1: number, g2: number, count: number) => void
  readonly _mclBn_finalExp: (to: number, from: number) => void
  readonly _mclBnGT_isOne: (value: number) => number
}

/** mcl's number of the curve, and `10 · words of a scalar + words of a coordinate` of this build. */
const bnSnark1 = 4
const compiled = 46

/** Bytes in memory: a coordinate has room for 384 bits, a point has three of them. */
export const fpBytes = 48
export const frBytes = 32
export const g1Bytes = 3 * fpBytes
export const g2Bytes = 6 * fpBytes
export const gtBytes = 12 * fpBytes

let loading: Promise<Mcl> | undefined

/** Loads the module once per process. */
export function loadMcl(): Promise<Mcl> {
  loading ??= load()
  return loading
}

async function load(): Promise<Mcl> {
  const mcl = (await createModule({})) as Mcl
  if (mcl._mclBn_init(bnSnark1, compiled) !== 0) throw new Bug('mcl: no BN254 in this build')
  return mcl
}

/** Write `value` as 32 little-endian bytes. */
export function putWord(mcl: Mcl, at: number, value: bigint): void {
  const bytes = mcl.HEAPU8
  let rest = value
  for (let i = 0; i < 32; i++) {
    bytes[at + i] = Number(rest & 0xffn)
    rest >>= 8n
  }
}

/** Write a coordinate by way of the word at `scratch`. */
export function putFp(mcl: Mcl, scratch: number, at: number, value: bigint): void {
  putWord(mcl, scratch, value)
  invariant(mcl._mclBnFp_setLittleEndian(at, scratch, 32) === 0, 'mcl: coordinate')
}

/** The 32 little-endian bytes of a coordinate, at `scratch`. mcl writes no leading zeros. */
export function takeFp(mcl: Mcl, scratch: number, at: number): Uint8Array {
  const bytes = mcl.HEAPU8.subarray(scratch, scratch + 32)
  bytes.fill(0, mcl._mclBnFp_getLittleEndian(scratch, 32, at))
  return bytes
}
