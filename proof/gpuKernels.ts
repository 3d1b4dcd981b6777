/**
 * Kernels whose largest work is done on a GPU: codes are made, hashed and kept there. A device that fails
 * costs what was under way, which is then done again here; results are the same to the bit.
 */
import { order } from './babyBear.ts'
import type { CodePlan } from './gpuCode.ts'
import type { GpuLink } from './gpuLink.ts'
import type { KeptCode, Kernels } from './kernels.ts'
import { hashColumns } from './ligero.ts'
import { hashPairs, type MerkleTree, merkleTree } from './multiproof.ts'
import { domainOf, evaluateOnDomain } from './ntt.ts'

/** Codes of fewer words are made here: the way to the device would take longer. */
const worthSending = 2 ** 20
/** Words that travel together, about. */
const sentWords = 2 ** 22

/**
 * @param warn - told once, if the device fails. @param sendFrom - words of the smallest code that is sent.
 *
 * @returns `null` if the device does not give the reference's digests.
 */
export function gpuKernels(
  kernels: Kernels,
  link: GpuLink,
  warn: (text: string) => void,
  sendFrom: number = worthSending,
): Kernels | null {
  let lost = false
  let codes = 0
  /** Codes that live until the scope ends. */
  let open: number[] = []

  /** `null` from the first failure on. */
  function attempt<T>(action: () => T): T | null {
    if (lost) return null
    try {
      return action()
    } catch (error) {
      lost = true
      const why = error instanceof Error ? error.message : String(error)
      warn(`the GPU of the prover failed: ${why}; proving continues on ${kernels.name}`)
      return null
    }
  }

  function release(from: number): void {
    const rest = open.slice(from)
    open = open.slice(0, from)
    for (const code of rest) attempt(() => link.call({ kind: 'release', code }))
  }

  function keepCode(plan: CodePlan, fill: Parameters<Kernels['codeElsewhere']>[1]): KeptCode {
    const code = codes++
    link.call({ kind: 'open', code, plan })
    open.push(code)
    const sender = senderOf(plan, (words) => link.call({ kind: 'add', code, words }))
    fill(sender.add)
    sender.flush()
    const tree = levelsOf(link.call({ kind: 'tree', code }), plan.size)
    const pick = (positions: readonly number[]) =>
      attempt(() => link.call({ kind: 'pick', code, words: Uint32Array.from(positions) }))
    return { tree, pick }
  }

  const codeElsewhere: Kernels['codeElsewhere'] = (plan, fill) =>
    plan.rows * plan.size < sendFrom ? null : attempt(() => keepCode(plan, fill))

  if (!agrees(keepCode)) return null
  release(0)
  return {
    ...kernels,
    codeElsewhere,
    scope(action) {
      const mark = open.length
      try {
        return kernels.scope(action)
      } finally {
        release(mark)
      }
    },
  }
}

/** Collects messages until there are enough to send. */
function senderOf({ rows, width }: CodePlan, send: (words: Int32Array<ArrayBuffer>) => void) {
  const most = Math.max(1, Math.floor(sentWords / (16 * width))) * 16 * width
  let left = rows * width
  let block = new Int32Array(Math.min(most, left))
  let filled = 0

  function flush(): void {
    if (filled === 0) return
    const full = block
    left -= filled
    filled = 0
    block = new Int32Array(Math.min(most, left))
    send(full)
  }

  function add(messages: Int32Array): void {
    block.set(messages, filled)
    filled += messages.length
    if (filled === block.length) flush()
  }

  return { add, flush }
}

/** A tree of that many leaves, whose levels lie end to end. */
function levelsOf(words: Uint32Array, leaves: number): MerkleTree {
  const bytes = new Uint8Array(words.buffer)
  const levels: Uint8Array[] = []
  for (let nodes = leaves, from = 0; nodes >= 1; from += 32 * nodes, nodes /= 2)
    levels.push(bytes.subarray(from, from + 32 * nodes))
  return levels
}

/** The trial: a code with padding, negative numbers and an unfinished block of SHA-256. */
const trial: CodePlan = { rows: 21, width: 11, size: 64 }

function agrees(
  keepCode: (plan: CodePlan, fill: Parameters<Kernels['codeElsewhere']>[1]) => KeptCode,
): boolean {
  const { rows, width, size } = trial
  const messages = Int32Array.from(
    { length: rows * width },
    (_, i) => Math.imul(i, 9_301_777) % order,
  )
  const code = new Uint32Array(rows * size)
  for (let row = 0; row < rows; row++)
    evaluateOnDomain(
      domainOf(size),
      messages.subarray(row * width, (row + 1) * width),
      code,
      row * size,
    )
  const expected = merkleTree(hashPairs, hashColumns(code, rows, size))
  const { tree, pick } = keepCode(trial, (add) => add(messages))
  const picked = pick([5])
  return (
    picked?.every((word, row) => word === code[row * size + 5]) === true &&
    tree.every((level, i) => level.every((byte, k) => byte === expected[i]![k]))
  )
}
