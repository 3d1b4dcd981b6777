/**
 * Proving in a process of its own, whose threads do the arithmetic: the caller stays responsive, hears
 * of progress, and can stop it.
 */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import type { Artefacts } from './artefacts.ts'
import type { CircuitInput } from './circuits.ts'
import { inputsOf, proofBytesOf } from './snarkjsJson.ts'
import type { Protocol } from './verifier.ts'

export type Proven = {
  readonly protocol: Protocol
  /** Points in the order of the EVM's precompiles. */
  readonly proof: Uint8Array
  /** Public numbers in the circuit's order. */
  readonly inputs: readonly bigint[]
}

/** What the child is told. */
export type ProvingTask = {
  readonly protocol: Protocol
  readonly wasm: string
  readonly zkey: string
  readonly input: CircuitInput
}

/** What the child says. */
export type ProvingNews =
  | { readonly type: 'progress'; readonly fraction: number }
  | { readonly type: 'proven'; readonly proof: unknown; readonly inputs: unknown }
  | { readonly type: 'refused'; readonly why: string }

export type ProvingFault =
  /** The input is no witness: a claim is untrue, or a signal is missing. */
  { readonly code: 'zk/noWitness'; readonly why: string } | { readonly code: 'zk/stopped' }

export type ProvingOptions = {
  readonly protocol?: Protocol
  /** Told how much is done, 0..1. */
  readonly progress?: (fraction: number) => void
  readonly signal?: AbortSignal
}

export function prove(
  { wasm, zkey }: Artefacts,
  input: CircuitInput,
  { protocol = 'groth16', progress, signal }: ProvingOptions = {},
): Promise<Result<Proven, ProvingFault>> {
  const child = fork(join(import.meta.dirname, 'proverChild.ts'), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const stop = () => child.kill()
  signal?.addEventListener('abort', stop)
  return new Promise<Result<Proven, ProvingFault>>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) =>
      signal?.aborted === true
        ? resolve(refuse({ code: 'zk/stopped' }))
        : reject(new Error(`the prover ended with ${code}`)),
    )
    child.on('message', (news: ProvingNews) => {
      if (news.type === 'progress') progress?.(news.fraction)
      else resolve(verdictOf(news, protocol))
    })
    child.send({ protocol, wasm, zkey, input } satisfies ProvingTask)
  }).finally(() => {
    signal?.removeEventListener('abort', stop)
    child.kill()
  })
}

function verdictOf(
  news: Exclude<ProvingNews, { readonly type: 'progress' }>,
  protocol: Protocol,
): Result<Proven, ProvingFault> {
  if (news.type === 'refused') return refuse({ code: 'zk/noWitness', why: news.why })
  const proof = proofBytesOf(news.proof)
  const inputs = inputsOf(news.inputs)
  invariant(proof.ok && inputs.ok, 'prove: snarkjs wrote what we cannot read')
  return ok({ protocol, proof: proof.value.bytes, inputs: inputs.value })
}
