/**
 * Forgetting old states. The nodes of all states lie in one store under their hashes, shared wherever
 * states agree: what the kept states need is marked, the rest is deleted.
 *
 * Blocks go on meanwhile. A block may need a node again that no kept state has: so while this runs
 * nothing counts as known to be in the store, every block writes all nodes that it made, and those are
 * never deleted. What is deleted is decided and done between two commits. An end at any point leaves
 * more than is needed, never less, and the next run takes it.
 */
import { bytesToUint, toHex, utf8ToBytes } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import type { KeyValue } from '../storage/keyValue.ts'
import { type NodeName, namesIn, nodeKeyOf } from '../vm/stateNodes.ts'
import { emptyStateRoot, nodeKey } from '../vm/stateStore.ts'

export type Sweep = {
  readonly store: KeyValue
  /** State roots of the kept blocks. */
  readonly roots: readonly Hash[]
  /** Keys that blocks wrote since the sweep began; never deleted. */
  readonly fresh: ReadonlySet<string>
  /** Runs `action` while no block is being committed. */
  readonly between: (action: () => Promise<void>) => Promise<void>
  /** Lets others run; true ends the sweep. */
  readonly breathe: () => Promise<boolean>
}

export type SweepResult = { readonly kept: number; readonly deleted: number }

/** Nodes visited, or keys read, between two turns given to others. */
const perTurn = 64
/** Deletions of one batch. */
const perBatch = 512

/**
 * Delete every state node that no root needs; null if it was ended.
 *
 * @throws {Error} if a kept state is not whole: then nothing has been deleted.
 */
export async function sweepStates(sweep: Sweep): Promise<SweepResult | null> {
  const marked = await mark(sweep)
  if (marked === null) return null
  const doomed: Uint8Array[] = []
  let deleted = 0

  async function drop(): Promise<void> {
    const keys = doomed.splice(0)
    await sweep.between(async () => {
      const dead = keys.filter((key) => !sweep.fresh.has(toHex(key.subarray(1)).slice(2)))
      await sweep.store.batch(dead.map((key) => ({ key, value: null })))
      deleted += dead.length
    })
  }

  let seen = 0
  const [from, to] = [utf8ToBytes('n'), utf8ToBytes('o')]
  for await (const [key] of sweep.store.scan({ from, to })) {
    if (!marked.has(markOf(key))) doomed.push(key)
    if (doomed.length >= perBatch) await drop()
    if (++seen % perTurn === 0 && (await sweep.breathe())) return null
  }
  await drop()
  return { kept: marked.size, deleted }
}

async function mark({ store, roots, breathe }: Sweep): Promise<Marks | null> {
  const marked = new Marks()
  const pending: NodeName[] = roots
    .filter((root) => root !== emptyStateRoot)
    .map((hash) => ({ kind: 'account', hash }))
  for (let name = pending.pop(), seen = 1; name !== undefined; name = pending.pop(), seen++) {
    if (seen % perTurn === 0 && (await breathe())) return null
    const key = nodeKey(nodeKeyOf(name))
    const own = markOf(key)
    if (marked.has(own)) continue
    marked.add(own)
    const node = await store.get(key)
    const names = node === null ? null : namesIn(name, node)
    if (names?.ok !== true)
      throw new Error(`state node ${name.hash} is ${node === null ? 'missing' : 'damaged'}`)
    pending.push(...names.value)
  }
  return marked
}

/** A set of 48-bit numbers. One set of JavaScript's holds 2^24 at most, and a large state has more nodes. */
class Marks {
  readonly #parts = Array.from({ length: 256 }, () => new Set<number>())

  get size(): number {
    return this.#parts.reduce((sum, { size }) => sum + size, 0)
  }

  has(mark: number): boolean {
    return this.#parts[mark % 256]!.has(mark)
  }

  add(mark: number): void {
    this.#parts[mark % 256]!.add(mark)
  }
}

/** The last 48 bits of a key: two that agree by chance only keep a node longer. */
function markOf(key: Uint8Array): number {
  return Number(bytesToUint(key.subarray(-6)))
}
