/**
 * Accuracies that this node measured, kept beside the chain: a node that starts again shows them at once.
 *
 * Keys: job range: code of the rows measured on, rows, correct.
 */
import { bytesToUint, concatBytes, uintBytes } from '../primitives/bytes.ts'
import { decode, Writer } from '../primitives/codec.ts'
import { type Hash, hashBytes } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import type { Accuracy } from '../rpc/workViews.ts'
import type { KeyValue } from '../storage/keyValue.ts'

export type AccuracyStore = {
  readonly put: (job: Hash, range: number, accuracy: Accuracy) => Promise<void>
  /** By range. */
  readonly of: (job: Hash) => Promise<ReadonlyMap<number, Accuracy>>
}

const codes = ['heldOut', 'training'] as const satisfies readonly Accuracy['on'][]
const keyOf = (job: Hash, range: number) => concatBytes(hashBytes(job), uintBytes(range, 4))

/** @param store - a part of the node's; nothing else writes there. */
export function createAccuracyStore(store: KeyValue): AccuracyStore {
  return {
    put: (job, range, { on, rows, correct }) => {
      const value = new Writer().uint(codes.indexOf(on), 1).uint(rows, 4).uint(correct, 4).bytes()
      return store.batch([{ key: keyOf(job, range), value }])
    },
    of: async (job) => {
      const found = new Map<number, Accuracy>()
      const span = { from: keyOf(job, 0), to: keyOf(job, 2 ** 32 - 1) }
      for await (const [key, value] of store.scan(span))
        found.set(Number(bytesToUint(key.slice(32))), read(value))
      return found
    },
  }
}

function read(bytes: Uint8Array): Accuracy {
  const decoded = decode(bytes, (reader) => ({
    on: codes[reader.number(1)] ?? reader.fail('rows measured on'),
    rows: reader.number(4),
    correct: reader.number(4),
  }))
  invariant(decoded.ok, 'accuracyStore: an entry is damaged')
  return decoded.value
}
