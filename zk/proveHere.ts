/**
 * Proving on the thread that asks: the body of the prover's process and of the explorer's worker.
 */
import { groth16, plonk, wtns } from 'snarkjs'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import type { CircuitInput } from './circuits.ts'
import { inputsOf, proofBytesOf } from './snarkjsJson.ts'
import type { Protocol } from './verifier.ts'

/** A file by its path, where there are files, or its bytes. */
export type ProvingFile = string | Uint8Array

export type ProvingTask = {
  readonly protocol: Protocol
  /** Computes the witness. */
  readonly wasm: ProvingFile
  readonly zkey: ProvingFile
  readonly input: CircuitInput
}

export type Proven = {
  readonly protocol: Protocol
  /** Points in the order of the EVM's precompiles. */
  readonly proof: Uint8Array
  /** Public numbers in the circuit's order. */
  readonly inputs: readonly bigint[]
}

/** The input is no witness: a claim is untrue, or a signal is missing. */
export type WitnessFault = { readonly code: 'zk/noWitness'; readonly why: string }

export type HereOptions = {
  /** Told how much is done, 0..1. */
  readonly progress: (fraction: number) => void
  /** Start no threads: where a content policy forbids them, or this is one. */
  readonly singleThread: boolean
}

/** How far a proof is when snarkjs says this, as measured on circuits of 2^13 constraints. */
const marks: readonly (readonly [said: string, fraction: number])[] = [
  ['Building ABC', 0.1],
  ['Join ABC', 0.4],
  ['Reading A Points', 0.45],
  ['Reading B1 Points', 0.55],
  ['Reading B2 Points', 0.65],
  ['Reading C Points', 0.8],
  ['Reading H Points', 0.9],
  ['> ROUND 1', 0.1],
  ['> ROUND 2', 0.25],
  ['> ROUND 3', 0.4],
  ['> ROUND 4', 0.8],
  ['> ROUND 5', 0.85],
]

const provers = { groth16, plonk } as const

/** @throws {Error} if a file cannot be read or is none of snarkjs's. */
export async function proveHere(
  { protocol, wasm, zkey, input }: ProvingTask,
  { progress, singleThread }: HereOptions,
): Promise<Result<Proven, WitnessFault>> {
  const witness = { type: 'mem' as const }
  try {
    await wtns.calculate(input as never, wasm as never, witness)
  } catch (error) {
    return refuse({ code: 'zk/noWitness', why: (error as Error).message.slice(0, 300) })
  }
  const hear = (said: string) => {
    const mark = marks.find(([text]) => said.startsWith(text))
    if (mark !== undefined) progress(mark[1])
  }
  const logger = { debug: hear, info: hear, warn: hear, error: hear }
  const options = { singleThread }
  const made = await provers[protocol].prove(zkey, witness as never, logger, options)
  const proof = proofBytesOf(made.proof)
  const inputs = inputsOf(made.publicSignals)
  invariant(proof.ok && inputs.ok, 'proveHere: snarkjs wrote what we cannot read')
  return ok({ protocol, proof: proof.value.bytes, inputs: inputs.value })
}
