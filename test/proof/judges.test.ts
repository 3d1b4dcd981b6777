/**
 * Three judges of one lease: the succinct verifier, Freivalds' check with explicit tensors, and
 * re-execution. They must agree on every case, honest or not.
 *
 * A case is a number. `WAGGLE_JUDGE_CASE=17 npx vitest run test/proof/judges.test.ts` replays one,
 * `WAGGLE_JUDGE_CASES=5000` runs as many from 1 on (`WAGGLE_JUDGE_FROM` for another start).
 */
import assert from 'node:assert/strict'
import { env, stdout } from 'node:process'
import { describe, it } from 'vitest'
import type { ModelState } from '../../compute/modelState.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { randomRows, seedOf } from '../compute/support.ts'
import type { Account, Assignment } from './judges/account.ts'
import { caseOf, profiles } from './judges/cases.ts'
import { cheats } from './judges/cheats.ts'
import { freivalds } from './judges/freivalds.ts'
import { accountOf } from './judges/honest.ts'
import { reExecution } from './judges/reExecution.ts'
import { type ProverChoice, succinct } from './judges/succinct.ts'
import { claimOf, tinyJob } from './support.ts'

/** Enough that every profile and every cheat occurs. */
const usual = 2 * cheats.length
const single = env.WAGGLE_JUDGE_CASE
const first = Number(single ?? env.WAGGLE_JUDGE_FROM ?? 1)
const amount = single === undefined ? Number(env.WAGGLE_JUDGE_CASES ?? usual) : 1

const kernels = openWasmKernels()

type Verdicts = { readonly accepted: boolean; readonly code: string; readonly about: string }

async function judge(
  assignment: Assignment,
  account: Account,
  choice: ProverChoice,
  random: SeededRandom,
  replay: string,
): Promise<{ readonly accepted: boolean; readonly code: string }> {
  const code = succinct(assignment, account, choice, kernels)
  const verdicts = {
    succinct: code === 'accepted',
    freivalds: freivalds(assignment, account, (bound) => random.below(bound)),
    reExecution: await reExecution(assignment, account),
  }
  const agreed = new Set(Object.values(verdicts)).size === 1
  assert.ok(agreed, `${JSON.stringify(verdicts)} (${code}); replay: ${replay}`)
  return { accepted: verdicts.succinct, code }
}

/** Judges case `number`: even ones as they are, odd ones after a cheat that the number chooses. */
async function runCase(number: number): Promise<Verdicts> {
  const random = new SeededRandom('cheat', seedOf(number))
  const replay = `WAGGLE_JUDGE_CASE=${number} npx vitest run test/proof/judges.test.ts`
  if (number % 2 === 0) {
    const { assignment, dense, profile } = caseOf(number)
    const honest = await accountOf(assignment)
    const choice = { dense, freshSums: random.below(2) === 0 }
    const found = await judge(assignment, honest, choice, random, replay)
    assert.ok(found.accepted, `honest, refused: ${found.code}; replay: ${replay}`)
    return { ...found, about: `honest: ${profile}` }
  }
  const { name, make, claimsSums } = cheats[(number >>> 1) % cheats.length]!
  // A lease that leaves room for this cheat, of the next profile each time.
  for (let turn = 0; ; turn++) {
    const made = caseOf(number + turn * (2 ** 20 + 2))
    const account = await make(made, await accountOf(made.assignment), random)
    if (account === null) continue
    const freshSums = claimsSums === undefined && random.below(2) === 0
    const choice = { dense: made.dense, freshSums }
    const found = await judge(made.assignment, account, choice, random, `${replay} # ${name}`)
    return { ...found, about: `cheat: ${name}` }
  }
}

describe('three judges agree', () => {
  it(`on ${amount} cases from number ${first} on`, async () => {
    const seen = new Map<string, { cases: number; refused: number }>()
    const codes = new Map<string, number>()
    const note = (key: string, accepted: boolean) => {
      const entry = seen.get(key) ?? { cases: 0, refused: 0 }
      seen.set(key, { cases: entry.cases + 1, refused: entry.refused + (accepted ? 0 : 1) })
    }
    for (let number = first; number < first + amount; number++) {
      const { accepted, code, about } = await runCase(number)
      note(about, accepted)
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    if (amount > usual) report(seen, codes)
    if (amount >= usual) assertCovered(seen)
  }, 36_000_000)

  it('on a contraction as long as admission allows', async () => {
    const job = tinyJob([61_440, 1], { batch: 1, forwardShifts: [8], fractionBits: 4 })
    const inner = job.layers[0]!
    const extreme = (value: number): ModelState => ({
      layers: [
        {
          width: 1,
          inner,
          w: new Int8Array(inner).fill(value),
          rho: new Uint32Array(inner).fill(15),
        },
      ],
    })
    const rows = { ...randomRows(job, 1), features: new Int8Array(inner).fill(127) }
    const random = new SeededRandom('longest', seedOf(1))
    const assignment = { claim: claimOf(job), before: extreme(127), batches: [rows] }
    const honest = await accountOf(assignment)
    assert.equal(honest.steps[0]!.layers[0]!.sums[0], 127 * 127 * 61_440)
    const choice = { dense: true, freshSums: false }
    const good = await judge(assignment, honest, choice, random, 'the longest contraction')
    assert.equal(good.accepted, true)
    const cheat = cheats.find(({ name }) => name === 'a wrong sum and what follows')!
    const made = { number: 1, profile: 'plain', assignment, dense: true } as const
    const wrong = await cheat.make(made, honest, random)
    const bad = await judge(assignment, wrong!, choice, random, 'the longest, wrong')
    assert.equal(bad.accepted, false)
  }, 120_000)
})

type Seen = ReadonlyMap<string, { readonly cases: number; readonly refused: number }>

/** Whether every profile was accepted and every cheat refused at least once. */
function assertCovered(seen: Seen): void {
  for (const profile of profiles)
    assert.ok((seen.get(`honest: ${profile}`)?.cases ?? 0) > 0, `no honest case: ${profile}`)
  for (const { name } of cheats)
    assert.ok((seen.get(`cheat: ${name}`)?.refused ?? 0) > 0, `never refused: ${name}`)
}

/** What a long run found, for the record. */
function report(seen: Seen, codes: ReadonlyMap<string, number>): void {
  const rows = [...seen].toSorted(([a], [b]) => a.localeCompare(b))
  for (const [key, { cases, refused }] of rows)
    stdout.write(`${key}: ${cases} cases, ${refused} refused\n`)
  stdout.write(`verdicts: ${[...codes].map(([code, n]) => `${code} ${n}`).join(', ')}\n`)
}
