/**
 * A thread that finds out who signed transactions. Each message is a list of them, its answer a list of
 * signers or nulls.
 */
import { parentPort } from 'node:worker_threads'
import { signerOf } from '../vm/signer.ts'

parentPort?.on('message', ({ id, transactions }: SignerQuestion) => {
  parentPort?.postMessage({ id, signers: transactions.map(signerOf) } satisfies SignerAnswer)
})

export type SignerQuestion = { readonly id: number; readonly transactions: readonly Uint8Array[] }
export type SignerAnswer = {
  readonly id: number
  readonly signers: readonly (Uint8Array | null)[]
}
