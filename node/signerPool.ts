/**
 * Finding out who signed transactions in threads beside the main one: recovering a key takes longer
 * than everything else about taking a transaction in. What arrives in one turn is asked together.
 */
import { Worker } from 'node:worker_threads'
import { concatBytes } from '../primitives/bytes.ts'
import { type FindSigners, signerRow } from '../vm/signer.ts'
import type { SignerAnswer, SignerQuestion } from './signerWorker.ts'

export type SignerPool = {
  readonly find: FindSigners
  readonly close: () => Promise<void>
}

/** Transactions of one message: threads share a large block. */
const perMessage = 128
/** Transactions that wait for an answer; above that the asker does it itself. */
const maxWaiting = 32_768

type Signer = Uint8Array | null
type Wish = { readonly bytes: Uint8Array; readonly done: (signer: Signer) => void }

/** @param threads - at least 1. @param report - told when a thread failed; then nothing is found any more. */
export function createSignerPool(threads: number, report: (error: unknown) => void): SignerPool {
  const asked = new Map<number, readonly Wish[]>()
  let gathered: Wish[] = []
  let waiting = 0
  let next = 0
  let open = true
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL('./signerWorker.ts', import.meta.url))
    worker.on('message', ({ id, rows }: SignerAnswer) => {
      const wishes = asked.get(id) ?? []
      asked.delete(id)
      waiting -= wishes.length
      for (const [i, { done }] of wishes.entries()) {
        const row = rows.subarray(i * signerRow, (i + 1) * signerRow)
        done(row[0] === 1 ? row.subarray(1) : null)
      }
    })
    worker.on('error', (error) => {
      report(error)
      giveUp()
    })
    // A node that ends for another reason is not kept alive by its threads.
    worker.unref()
    return worker
  })

  /** Whoever waits does it the usual way, and so does everyone from now on. */
  function giveUp(): void {
    open = false
    const left = [...asked.values(), gathered].flat()
    asked.clear()
    gathered = []
    waiting = 0
    for (const { done } of left) done(null)
  }

  function send(): void {
    const wishes = gathered
    gathered = []
    for (let at = 0; at < wishes.length; at += perMessage) {
      const some = wishes.slice(at, at + perMessage)
      const bytes = concatBytes(...some.map((one) => one.bytes))
      const lengths = Uint32Array.from(some, (one) => one.bytes.length)
      asked.set(next, some)
      const question: SignerQuestion = { id: next, bytes, lengths }
      workers[next % workers.length]!.postMessage(question, [bytes.buffer, lengths.buffer])
      next += 1
    }
  }

  function wish(bytes: Uint8Array): Promise<Signer> {
    return new Promise((done) => {
      if (gathered.length === 0) setImmediate(send)
      gathered.push({ bytes, done })
      waiting += 1
    })
  }

  return {
    find: async (transactions) =>
      open && waiting + transactions.length <= maxWaiting
        ? Promise.all(transactions.map(wish))
        : transactions.map(() => null),
    close: async () => {
      giveUp()
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}
