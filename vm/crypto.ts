/**
 * Native and WebAssembly cryptography behind the EVM. The portable JavaScript precompiles let one
 * transaction run for minutes; these answer within what their gas pays for.
 */
import { createHash } from 'node:crypto'
import {
  type CustomPrecompile,
  EVMError,
  type ExecResult,
  MCLBLS,
  type PrecompileInput,
  RustBN254,
} from '@ethereumjs/evm'
import * as mcl from 'mcl-wasm'
import { initRustBN } from 'rustbn-wasm'
// biome-ignore lint/correctness/noUnresolvedImports: a CommonJS export that Biome does not see
import secp256k1 from 'secp256k1'
import { concatBytes } from '../primitives/bytes.ts'
import { p256Precompile } from './p256.ts'

/** What the EVM and the decoding of transactions are built with. */
export type NativeCrypto = {
  readonly bls: MCLBLS
  readonly bn254: RustBN254
  readonly precompiles: readonly CustomPrecompile[]
}

let loading: Promise<NativeCrypto> | undefined

/** Loads the WebAssembly modules once per process. */
export function loadCrypto(): Promise<NativeCrypto> {
  loading ??= load()
  return loading
}

async function load(): Promise<NativeCrypto> {
  await mcl.init(mcl.BLS12_381)
  return {
    bls: new MCLBLS(mcl),
    bn254: new RustBN254(await initRustBN()),
    precompiles: [
      { address: '0x000000000000000000000000000000000000000a', function: pointEvaluation },
      p256Precompile,
    ],
  }
}

/**
 * Public key (64 bytes, no prefix) that signed `messageHash`; libsecp256k1, 13,000 a second.
 *
 * `v` is a y-parity, 27 or 28, or EIP-155's `2·chainId + 35 + parity`.
 *
 * @throws {Error} for a signature that no key made; callers turn it into a refusal.
 */
export function recoverKey(
  messageHash: Uint8Array,
  v: bigint,
  r: Uint8Array,
  s: Uint8Array,
  chainId?: bigint,
): Uint8Array {
  const parity = parityOf(v, chainId)
  if (parity !== 0n && parity !== 1n) throw new Error(`recovery id ${parity}`)
  const signature = concatBytes(leftPad32(r), leftPad32(s))
  const key = secp256k1.ecdsaRecover(signature, Number(parity), plain(messageHash), false)
  return Uint8Array.from(key.subarray(1))
}

function parityOf(v: bigint, chainId: bigint | undefined): bigint {
  if (v === 0n || v === 1n) return v
  return chainId === undefined ? v - 27n : v - (chainId * 2n + 35n)
}

/** SHA-256 by OpenSSL: four times the speed of portable code on long inputs. */
export function sha256Native(bytes: Uint8Array): Uint8Array {
  return plain(createHash('sha256').update(bytes).digest())
}

/** EIP-4844's precompile. No blob exists on this chain, so no opening of one is ever right. */
function pointEvaluation({ gasLimit }: PrecompileInput): ExecResult {
  return {
    executionGasUsed: gasLimit,
    returnValue: new Uint8Array(),
    exceptionError: new EVMError(EVMError.errorMessages.INVALID_PROOF),
  }
}

function leftPad32(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 32) return plain(bytes)
  const word = new Uint8Array(32)
  word.set(bytes, 32 - bytes.length)
  return word
}

function plain(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes)
}
