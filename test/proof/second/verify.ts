/**
 * A second verifier of step proofs, written from docs/spec/proof.md alone: slow, plain and short. It
 * shares no code with `proof/`, so that a rule which only the code knows shows as a disagreement.
 */
import { Chain, fromHex, hashOf, Reader, sha256, toHex, uint, words } from './bytes.ts'
import { checkOpening } from './opening.ts'
import {
  checkProducts,
  checkReduction,
  checkTree,
  type Heard,
  instancesOf,
  leafClaims,
} from './relations.ts'
import { codeRowsOf, readJob, type Shape, shapeOf, variablesOf } from './shape.ts'
import { bitsOfSoundness } from './soundness.ts'

export type Statement = {
  /** The canonical job, hex. */
  readonly job: string
  readonly seed: string
  readonly range: number
  readonly worker: string
  readonly before: string
  readonly after: string
  readonly losses: readonly (string | number)[]
}

export type Batch = { readonly features: readonly number[]; readonly labels: readonly number[] }

export type Saturation = {
  readonly step: number
  readonly layer: number
  readonly row: number
  readonly col: number
  readonly xi: number
}

export type Proof = ReturnType<typeof read>

/** `valid`, or the rule that is broken. */
export function verify(statement: Statement, batches: readonly Batch[], bytes: Uint8Array): string {
  const job = readJob(fromHex(statement.job))
  if (statement.range < 0 || statement.range * job.leaseSteps >= job.steps) return 'P-92 range'
  if (bytes.length === 0 || bytes[0]! > 1) return 'P-92 mode'
  const shape = shapeOf(job, statement.range, bytes[0] === 1)
  if (bitsOfSoundness(shape) < 100) return 'P-84'
  let proof: Proof
  try {
    proof = read(shape, bytes)
  } catch (error) {
    if (error instanceof RangeError) return `P-92 ${error.message}`
    throw error
  }
  const wrong =
    checkBatches(shape, batches) ??
    checkLosses(shape, proof, statement.losses) ??
    checkList(shape, proof.saturated)
  if (wrong !== null) return wrong
  const chain = new Chain()
  hearStatement(chain, shape, statement, batches)
  hearCommitments(chain, shape, statement, proof)
  const [alpha] = chain.draw(1)
  const [beta] = chain.draw(1)
  const heard: Heard = { shape, proof, batches, chain, alpha: alpha!, beta: beta! }
  const tree = checkTree(heard)
  if (typeof tree === 'string') return tree
  const sigma = checkProducts(heard, tree)
  if (typeof sigma === 'string') return sigma
  const point = checkReduction(heard, tree, sigma)
  if (typeof point === 'string') return point
  const names = { before: statement.before, after: statement.after, ...proof.names }
  return checkOpening(heard, point, names) ?? 'valid'
}

/** P-90 and P-91. */
function read(shape: Shape, bytes: Uint8Array) {
  const { k, nu, beta, classes, segments, columns } = shape
  const reader = new Reader(bytes)
  reader.take(1)
  const count = (most: number) => {
    const n = reader.number(4)
    if (n > most) throw new RangeError('count')
    return n
  }
  const listed = count(shape.dense ? 0 : 256)
  const counts = classes.map(({ layout: { q, N } }) => ({
    opened: count(q),
    siblings: count(q * Math.log2(N)),
  }))
  const saturated = Array.from({ length: listed }, (): Saturation => {
    const [step, layer, row, col, sign] = [1, 1, 4, 4, 1].map((length) => reader.number(length))
    const magnitude = reader.number(4)
    if (sign! > 1 || magnitude === 0) throw new RangeError('saturation')
    return {
      step: step!,
      layer: layer!,
      row: row!,
      col: col!,
      xi: sign === 1 ? -magnitude : magnitude,
    }
  })
  const trees = classes.flatMap((entry, i) => entry.trees.map((tree) => ({ entry, tree, i })))
  const names = Object.fromEntries(
    ['mid', 'witness', 'excess']
      .filter((name) => trees.some(({ tree }) => tree.name === name))
      .map((name) => [name, toHex(reader.take(32))]),
  )
  const siblings = trees.map(({ i }) =>
    Array.from({ length: counts[i]!.siblings }, () => reader.take(32)),
  )
  const losses = Array.from({ length: k * shape.chunks }, () => reader.word())
  const root = reader.elements(2)
  const last = segments.at(-1)!
  const depth = Math.ceil(Math.log2(last.offset + 2 ** last.bits))
  const layers = Array.from({ length: depth }, (_, d) => ({
    rounds: reader.elements(2 * d),
    values: reader.elements(4),
  }))
  const leaves = reader.elements(leafClaims(shape).length)
  const productRounds = reader.elements(3 * (nu + beta))
  const ends = reader.elements(instancesOf(shape).flatMap(({ sends }) => sends).length)
  const rounds = Math.max(...columns.map((column) => variablesOf(column, column.layout)))
  const reductionRounds = reader.elements(2 * rounds)
  const values = reader.elements(columns.length)
  const combinations = classes.map(({ layout }) => reader.elements(layout.l))
  const opened = trees.map(({ entry, tree, i }) => {
    const rows = tree.columns.reduce((sum, column) => sum + codeRowsOf(column, entry.layout), 0)
    return Array.from({ length: counts[i]!.opened }, () =>
      Array.from({ length: rows }, () => reader.word()),
    )
  })
  reader.finishWords()
  if (reader.left !== 0) throw new RangeError('trailing bytes')
  return {
    saturated,
    names: names as Readonly<Record<string, string>>,
    siblings,
    losses,
    root,
    layers,
    leaves,
    productRounds,
    ends,
    reductionRounds,
    values,
    combinations,
    opened,
  }
}

/** P-16. */
function checkBatches({ job, k }: Shape, batches: readonly Batch[]): string | null {
  const right = batches.every(
    ({ features, labels }) =>
      labels.length === job.batch &&
      features.length === job.batch * job.layers[0]! &&
      features.every((value) => value >= -127 && value <= 127),
  )
  return batches.length === k && right ? null : 'P-16'
}

/** P-15. */
function checkLosses(
  { k, chunks }: Shape,
  proof: Proof,
  losses: Statement['losses'],
): string | null {
  if (losses.length !== k) return 'P-15'
  const right = losses.every((loss, step) => {
    const own = proof.losses.slice(step * chunks, (step + 1) * chunks)
    return own.reduce((sum, chunk) => sum + chunk, 0n) === BigInt(loss)
  })
  return right ? null : 'P-15'
}

/** P-14. */
function checkList({ k, L, job, splits }: Shape, list: readonly Saturation[]): string | null {
  const key = ({ step, layer, row, col }: Saturation) => [step, layer, row, col]
  const right = list.every((entry, i) => {
    const { step, layer, row, col, xi } = entry
    const live =
      step < k &&
      layer >= 1 &&
      layer <= L &&
      row < job.layers[layer]! &&
      col < job.layers[layer - 1]! &&
      Math.abs(xi) <= splits.HW
    if (!live || i === 0) return live
    const [before, here] = [key(list[i - 1]!), key(entry)]
    const at = here.findIndex((value, j) => value !== before[j])
    return at >= 0 && before[at]! < here[at]!
  })
  return right ? null : 'P-14'
}

/** P-42, statement and batches. */
function hearStatement(
  chain: Chain,
  { job, first, k, steps }: Shape,
  { job: encoded, range, worker, seed }: Statement,
  batches: readonly Batch[],
): void {
  chain.bytes('version', uint(1, 4))
  chain.bytes('job', hashOf('waggle/job/v1', fromHex(encoded)))
  chain.bytes('chain', uint(job.chainId, 8))
  chain.bytes('range', uint(range, 4))
  chain.bytes('steps', Uint8Array.from([...uint(first, 4), ...uint(k, 4)]))
  chain.bytes('worker', fromHex(worker))
  chain.bytes('seed', fromHex(seed))
  for (const [step, { features, labels }] of batches.entries()) {
    const rows = Uint8Array.from([...Int8Array.from(features)].map((value) => value & 255))
    const bytes = Uint8Array.from([...rows, ...words(labels.map(BigInt))])
    chain.bytes('rows', sha256(bytes))
    chain.bytes('exponents', Uint8Array.from(steps[step]!.update))
  }
}

function hearCommitments(
  chain: Chain,
  { dense }: Shape,
  { before, after }: Statement,
  { names, saturated, losses }: Proof,
): void {
  const name = (of: string) => fromHex(names[of] ?? '')
  chain.bytes('before', fromHex(before))
  chain.bytes('after', fromHex(after))
  for (const tree of ['mid', 'witness', 'excess']) chain.bytes(tree, name(tree))
  chain.bytes('mode', Uint8Array.of(dense ? 1 : 0))
  const entries = saturated.flatMap(({ step, layer, row, col, xi }) => [
    step,
    layer,
    ...uint(row, 4),
    ...uint(col, 4),
    xi < 0 ? 1 : 0,
    ...uint(Math.abs(xi), 4),
  ])
  chain.bytes('saturated', Uint8Array.from(entries))
  chain.bytes('losses', words(losses))
}
