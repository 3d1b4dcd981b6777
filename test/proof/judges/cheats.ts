/** Every way of cheating in a lease, each as a change of an honest account. */
import { parseAddress } from '../../../primitives/address.ts'
import type { SeededRandom } from '../../../primitives/random.ts'
import { seedOf } from '../../compute/support.ts'
import type { Account, Assignment, LayerAccount, LayerWeights, StepAccount } from './account.ts'
import { type Case, reassigned } from './cases.ts'
import { accountOf, wrongProducts } from './honest.ts'

export type Cheat = {
  readonly name: string
  /** The account to judge, or `null` where this lease leaves no room for the cheat. */
  readonly make: (made: Case, honest: Account, random: SeededRandom) => Promise<Account | null>
  /** The sums are the lie, so a prover that computes them anew does not tell it. */
  readonly claimsSums?: true
}

const bitOf = (bits: number) => (value: number, random: SeededRandom) =>
  value ^ (1 << random.below(bits))

/** One cell of a tensor of some step and layer, changed. */
function flipped(
  name: keyof LayerAccount,
  change: (value: number, random: SeededRandom) => number,
): Cheat['make'] {
  return async (_made, honest, random) => {
    const step = random.below(honest.steps.length)
    const layers = honest.steps[step]!.layers
    const l = random.below(layers.length)
    const values = layers[l]![name]
    if (values === null) return null
    const changed = withCell(values, random, change)
    return withStep(honest, step, (old) => ({
      ...old,
      layers: layers.map((layer, i) => (i === l ? { ...layer, [name]: changed } : layer)),
    }))
  }
}

function withCell(
  values: Int32Array,
  random: SeededRandom,
  change: (value: number, random: SeededRandom) => number,
): Int32Array {
  const copy = values.slice()
  const cell = random.below(copy.length)
  copy[cell] = change(copy[cell]!, random)
  return copy
}

function withStep(
  account: Account,
  step: number,
  change: (old: StepAccount) => StepAccount,
): Account {
  return { ...account, steps: account.steps.map((old, i) => (i === step ? change(old) : old)) }
}

function withState(
  account: Account,
  state: number,
  change: (layers: readonly LayerWeights[]) => readonly LayerWeights[],
): Account {
  return { ...account, states: account.states.map((old, i) => (i === state ? change(old) : old)) }
}

/** One cell of a state's `w` or `rho`. */
function flippedWeight(
  role: 'w' | 'rho',
  pick: (account: Account, random: SeededRandom) => number,
  bits: (made: Case) => number,
): Cheat['make'] {
  return async (made, honest, random) =>
    withState(honest, pick(honest, random), (layers) => {
      const l = random.below(layers.length)
      const changed = withCell(layers[l]![role], random, bitOf(bits(made)))
      return layers.map((layer, i) => (i === l ? { ...layer, [role]: changed } : layer))
    })
}

/** A product with one wrong cell, and everything after it as it follows. */
function wrongProduct(kind: 'forward' | 'backward' | 'gradient'): Cheat['make'] {
  return async ({ assignment }, honest, random) => {
    const { job } = assignment.claim
    const depth = job.layers.length - 1
    const calls = honest.steps.length * (kind === 'backward' ? depth - 1 : depth)
    if (calls === 0) return null
    const products = wrongProducts(kind, random.below(calls), (values) => {
      const cell = random.below(values.length)
      values[cell] = bitOf(10)(values[cell]!, random)
    })
    return accountOf(assignment, products)
  }
}

/** Honest work on a changed assignment, handed in for the real one. */
async function onOtherRows(
  { assignment }: Case,
  change: (rows: Assignment['batches'][number]) => Assignment['batches'][number],
): Promise<Account> {
  const batches = assignment.batches.map((rows, i) => (i === 0 ? change(rows) : rows))
  return accountOf({ ...assignment, batches })
}

/** Honest work for another claim; half the time only the name on it is another. */
async function elsewhere(
  made: Case,
  honest: Account,
  random: SeededRandom,
  change: Partial<Assignment['claim']>,
): Promise<Account> {
  const claim = { ...made.assignment.claim, ...change }
  if (random.below(2) === 0) return { ...honest, claim }
  const account = await accountOf(reassigned(made, change))
  // The worker hides where its work comes from.
  return random.below(2) === 0 ? account : { ...account, claim: made.assignment.claim }
}

const fraction = ({ assignment }: Case) => assignment.claim.job.fractionBits
const later = (account: Account, random: SeededRandom) => 1 + random.below(account.steps.length)

export const cheats: readonly Cheat[] = [
  {
    name: 'a bit of an old weight',
    make: flippedWeight(
      'w',
      () => 0,
      () => 8,
    ),
  },
  { name: 'a bit of an old fraction', make: flippedWeight('rho', () => 0, fraction) },
  { name: 'a bit of a new weight', make: flippedWeight('w', later, () => 8) },
  {
    name: 'a bit of a new fraction',
    make: flippedWeight('rho', later, (made) => fraction(made) + 1),
  },
  { name: 'a bit of an activation', make: flipped('output', bitOf(8)) },
  { name: 'a mask', make: flipped('mask', (m) => 1 - m) },
  { name: 'a bit of a remainder', make: flipped('sums', bitOf(12)), claimsSums: true },
  {
    name: "a bit of an error's remainder",
    make: flipped('errorSums', bitOf(12)),
    claimsSums: true,
  },
  { name: 'a bit of a quotient', make: flipped('quotient', bitOf(10)) },
  { name: "a bit of an error's quotient", make: flipped('errorQuotient', bitOf(10)) },
  { name: 'a bit of an error', make: flipped('error', bitOf(8)) },
  { name: 'a bit of an excess', make: flipped('excess', bitOf(4)) },
  { name: 'a wrong sum and what follows', make: wrongProduct('forward'), claimsSums: true },
  { name: 'a wrong error sum and what follows', make: wrongProduct('backward'), claimsSums: true },
  { name: 'a wrong gradient and what follows', make: wrongProduct('gradient') },
  {
    name: 'another loss',
    make: async (_made, honest, random) =>
      withStep(honest, random.below(honest.steps.length), (old) => ({
        ...old,
        loss: old.loss + BigInt(1 + random.below(1_000)),
      })),
  },
  {
    name: 'another feature',
    make: (made, _honest, random) =>
      onOtherRows(made, (rows) => {
        const features = rows.features.slice()
        const at = random.below(features.length)
        features[at] = features[at]! === 5 ? 6 : 5
        return { ...rows, features }
      }),
  },
  {
    name: 'another label',
    make: (made) =>
      onOtherRows(made, (rows) => ({
        ...rows,
        labels: rows.labels.map((label, i) => (i === 0 ? label + 1 : label)),
      })),
  },
  {
    name: 'another order of the rows',
    make: async (made) => {
      const [rows] = made.assignment.batches
      const width = rows!.features.length / rows!.count
      const turned = Int8Array.from({ length: rows!.features.length }, (_, c) => {
        const row = rows!.count - 1 - Math.floor(c / width)
        return rows!.features[row * width + (c % width)]!
      })
      const same = turned.every((value, c) => value === rows!.features[c])
      const labels = rows!.labels.toReversed()
      if (same && labels.every((label, b) => label === rows!.labels[b])) return null
      return onOtherRows(made, (old) => ({ ...old, features: turned, labels }))
    },
  },
  {
    name: 'another seed',
    make: (made, honest, random) =>
      elsewhere(made, honest, random, { seed: seedOf(made.number + 1_000_000) }),
  },
  {
    name: 'another job',
    make: async ({ assignment }, honest, random) => {
      const { job } = assignment.claim
      if (random.below(2) === 0)
        return { ...honest, claim: { ...honest.claim, job: { ...job, nonce: job.nonce + 1n } } }
      // The name is right, the learning rate is not.
      const schedule = job.schedule.map((phase) => ({
        ...phase,
        updateShifts: phase.updateShifts.map((u) => u + 1),
      }))
      const faster = { ...assignment.claim, job: { ...job, schedule } }
      return { ...(await accountOf({ ...assignment, claim: faster })), claim: assignment.claim }
    },
  },
  {
    name: 'another worker',
    make: async (_made, honest) => {
      const other = parseAddress(`0x${'77'.repeat(20)}`)
      return other.ok ? { ...honest, claim: { ...honest.claim, worker: other.value } } : null
    },
  },
  {
    name: 'another step',
    make: async (made, honest, random) => {
      const { range, job } = made.assignment.claim
      const other = range === 0 ? 1 : range - 1
      const sameLength = honest.steps.length === job.leaseSteps
      return sameLength ? elsewhere(made, honest, random, { range: other }) : null
    },
  },
  {
    name: 'layers swapped',
    make: async (_made, honest, random) => {
      const state = later(honest, random)
      const layers = honest.states[state]!
      const [a, b] = layers
      if (b === undefined || a!.width !== b.width || a!.inner !== b.inner) return null
      return withState(honest, state, () => [b, a!, ...layers.slice(2)])
    },
  },
  {
    name: 'an update skipped',
    make: async (_made, honest, random) => {
      const state = later(honest, random)
      const before = honest.states[state - 1]!
      const idle = before.every(({ w, rho }, l) => {
        const { w: newW, rho: newRho } = honest.states[state]![l]!
        return w.every((value, c) => value === newW[c] && rho[c] === newRho[c])
      })
      return idle ? null : withState(honest, state, () => before)
    },
  },
  {
    name: 'two steps swapped',
    make: async (_made, honest) => {
      const [first, second, ...rest] = honest.steps
      return second === undefined ? null : { ...honest, steps: [second, first!, ...rest] }
    },
  },
  {
    name: 'the same weight with a fraction out of range',
    make: async ({ assignment }, honest, random) =>
      withState(honest, later(honest, random), (layers) =>
        layers.map((layer, l) => {
          if (l > 0) return layer
          const [w, rho] = [layer.w.slice(), layer.rho.slice()]
          w[0] = w[0]! - 1
          rho[0] = rho[0]! + 2 ** assignment.claim.job.fractionBits
          return { ...layer, w, rho }
        }),
      ),
  },
]
