/**
 * Proving in a process of its own, whose threads do the arithmetic: the caller stays responsive, hears
 * of progress, and can stop it.
 */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { type Result, refuse } from '../primitives/result.ts'
import type { Artefacts } from './artefacts.ts'
import type { CircuitInput } from './circuits.ts'
import type { Proven, ProvingTask, WitnessFault } from './proveHere.ts'
import type { Protocol } from './verifier.ts'

/** What the child says. */
export type ProvingNews =
  | { readonly type: 'progress'; readonly fraction: number }
  | { readonly type: 'verdict'; readonly verdict: Result<Proven, WitnessFault> }

export type ProvingFault = WitnessFault | { readonly code: 'zk/stopped' }

export type ProvingOptions = {
  readonly protocol?: Protocol
  /** Told how much is done, 0..1. */
  readonly progress?: (fraction: number) => void
  readonly signal?: AbortSignal
}

export function prove(
  { wasm, zkey }: Pick<Artefacts, 'wasm' | 'zkey'>,
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
      else resolve(news.verdict)
    })
    child.send({ protocol, wasm, zkey, input } satisfies ProvingTask)
  }).finally(() => {
    signal?.removeEventListener('abort', stop)
    child.kill()
  })
}
