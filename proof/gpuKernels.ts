/**
 * Kernels whose largest work is done on a GPU: codes are made, hashed and kept there, the largest boxes of
 * the fraction tree are folded there. A device that fails costs what was under way, which is then done
 * again here; results are the same to the bit.
 */
import { order } from './babyBear.ts'
import { degree, type Elements, join, span } from './extension.ts'
import type { CodePlan } from './gpuCode.ts'
import type { GpuCommand, GpuLink } from './gpuLink.ts'
import type { AwayVector, KeptCode, Kernels } from './kernels.ts'
import { hashColumns } from './ligero.ts'
import { hashPairs, type MerkleTree, merkleTree } from './multiproof.ts'
import { domainOf, evaluateOnDomain } from './ntt.ts'
import { referenceKernels } from './referenceKernels.ts'

/** Codes of fewer words are made here: the way to the device would take longer. */
const worthSending = 2 ** 20
/** Vectors of fewer words are folded here. */
const worthFolding = 2 ** 20
/** Words that travel together, about. */
const sentWords = 2 ** 22

/** The device failed while it held what is nowhere else. */
class DeviceLost extends Error {
  override readonly name = 'DeviceLost'
}

/**
 * @param warn - told once, if the device fails. @param sendFrom - words of the smallest code or vector that
 * is sent.
 *
 * @returns `null` if the device does not give the reference's digests.
 */
export function gpuKernels(
  kernels: Kernels,
  link: GpuLink,
  warn: (text: string) => void,
  sendFrom: number | null = null,
): Kernels | null {
  let lost = false
  let names = 0
  let depth = 0
  /** What lives on the device until the scope ends. */
  let open: GpuCommand[] = []

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
    for (const command of rest) attempt(() => link.call(command))
  }

  function keepCode(plan: CodePlan, fill: Fill): KeptCode {
    const code = names++
    link.call({ kind: 'open', code, plan })
    open.push({ kind: 'release', code })
    const sender = senderOf(plan, (words) => link.call({ kind: 'add', code, words }))
    fill(sender.add)
    sender.flush()
    const tree = levelsOf(link.call({ kind: 'tree', code }), plan.size)
    const pick = (positions: readonly number[]) =>
      attempt(() => link.call({ kind: 'pick', code, words: Uint32Array.from(positions) }))
    return { tree, pick }
  }

  /** A failure takes the vector with it. */
  function callOrLose(command: GpuCommand): Uint32Array {
    const words = attempt(() => link.call(command))
    if (words === null) throw new DeviceLost('a vector was on the device')
    return words
  }

  function vectorOf(vector: number, words: number, of: 'quads' | 'pairs'): AwayVector {
    open.push({ kind: 'forget', vector })
    const width = of === 'quads' ? 4 : 1
    return {
      isShort: words < (sendFrom ?? worthFolding),
      fold(lines, length, r, missing) {
        const into = names++
        const shape = { lines, length, width }
        callOrLose({ kind: 'fold', vector, into, shape, r, missing })
        return vectorOf(into, degree * width * lines * ((length + 1) >>> 1), of)
      },
      sum(lines, length, inLine, ofLine, missing) {
        const shape = { lines, length, width }
        const sums = callOrLose({ kind: 'sum', vector, of, shape, inLine, ofLine, missing })
        return { atZero: span(sums, 0, 1), leading: span(sums, 1, 2) }
      },
      home: () => callOrLose({ kind: 'fetch', vector }),
    }
  }

  function vectorElsewhere(values: Elements, of: 'quads' | 'pairs'): AwayVector | null {
    // Nobody does the work again of what is in no scope.
    if (depth === 0 || values.length < (sendFrom ?? worthFolding)) return null
    const vector = names++
    const placed = attempt(() => link.call({ kind: 'place', vector, words: values }))
    return placed === null ? null : vectorOf(vector, values.length, of)
  }

  const codeElsewhere: Kernels['codeElsewhere'] = (plan, fill) =>
    plan.rows * plan.size < (sendFrom ?? worthSending) ? null : attempt(() => keepCode(plan, fill))

  const trusted = agrees(keepCode) && foldsRight((command) => link.call(command))
  release(0)
  if (!trusted) return null
  return {
    ...kernels,
    codeElsewhere,
    vectorElsewhere,
    scope,
  }

  /** The outermost is done again, without the device, if that was lost. */
  function scope<T>(action: () => T): T {
    const mark = open.length
    depth++
    try {
      return kernels.scope(action)
    } catch (error) {
      if (depth > 1 || !(error instanceof DeviceLost)) throw error
    } finally {
      depth--
      release(mark)
    }
    return kernels.scope(action)
  }
}

type Fill = Parameters<Kernels['codeElsewhere']>[1]

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

function agrees(keepCode: (plan: CodePlan, fill: Fill) => KeptCode): boolean {
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

/** An odd and an even number of records. */
const trialLengths = [7, 4]

function foldsRight(call: (command: GpuCommand) => Uint32Array): boolean {
  return trialLengths.every((length) => {
    const [lines, vector, into] = [3, -1, -2]
    const values = elementsOf(4 * lines * length, 1)
    const [inLine, ofLine] = [elementsOf(length, 3), elementsOf(lines, 5)]
    const [r, missing] = [elementsOf(1, 7), elementsOf(4, 11)]
    const [one, absent] = [{ lines, length, width: 4 }, missing.subarray(0, degree)]
    const { sumQuads, sumPairs, foldQuads } = referenceKernels
    const half = values.length / 4
    const [evens, odds] = [values.subarray(0, half), values.subarray(half, 2 * half)]
    const weights = { inLine, ofLine }
    const expected = [
      sumQuads(values, lines, length, inLine, ofLine, missing),
      sumPairs(evens, odds, lines, length, inLine, ofLine, absent),
    ]
    call({ kind: 'place', vector, words: values })
    const sums = [call({ kind: 'sum', vector, of: 'quads', shape: one, ...weights, missing })]
    call({ kind: 'place', vector: into, words: values.subarray(0, 2 * half) })
    sums.push(
      call({ kind: 'sum', vector: into, of: 'pairs', shape: one, ...weights, missing: absent }),
    )
    call({ kind: 'forget', vector: into })
    call({ kind: 'fold', vector, into, shape: one, r, missing })
    const folded = call({ kind: 'fetch', vector: into })
    return (
      sums.every((got, i) => isSame(got, join([expected[i]!.atZero, expected[i]!.leading]))) &&
      isSame(folded, foldQuads(values, lines, length, r, missing))
    )
  })
}

function elementsOf(length: number, factor: number): Elements {
  return Uint32Array.from(
    { length: degree * length },
    (_, i) => (Math.imul(i + 1, 0x9e3779b1 * factor) >>> 0) % order,
  )
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i])
}
