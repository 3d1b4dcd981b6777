/**
 * A thread that finds out who signed transactions. Each message is many of them, its answer the signers
 * in the same order: both in one piece, since threads take long to hand over many small ones.
 */
import { parentPort } from 'node:worker_threads'
import { signerOf, signerRow } from '../vm/signer.ts'

parentPort?.on('message', ({ id, bytes, lengths }: SignerQuestion) => {
  const rows = new Uint8Array(lengths.length * signerRow)
  let at = 0
  for (const [i, length] of lengths.entries()) {
    const signer = signerOf(bytes.subarray(at, at + length))
    at += length
    if (signer === null) continue
    rows[i * signerRow] = 1
    rows.set(signer, i * signerRow + 1)
  }
  parentPort?.postMessage({ id, rows } satisfies SignerAnswer, [rows.buffer])
})

export type SignerQuestion = {
  readonly id: number
  /** Transactions one after the other, … */
  readonly bytes: Uint8Array
  /** … of so many bytes each. */
  readonly lengths: Uint32Array
}
/** `rows`: of {@link signerRow} bytes each, zeros where there is no signer to be told. */
export type SignerAnswer = { readonly id: number; readonly rows: Uint8Array }
