import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { startHeight, step } from '../../consensus/machine.ts'
import { replayHeight } from '../../consensus/replay.ts'
import { explore } from './explore.ts'
import { forks, stalls, withMutantMachine } from './mutants.ts'
import { findStuck } from './progress.ts'
import { four, type Machine, type Scenario } from './scenario.ts'

/** Explore everything below, each scenario for so many milliseconds: `WAGGLE_EXPLORE_MS=300000`. */
const longMs = process.env.WAGGLE_EXPLORE_MS
const maxMs = longMs === undefined ? undefined : Number(longMs)
/** Walks whose ends must still be able to decide. */
const walks = Number(process.env.WAGGLE_WALKS ?? 250)
const patience = 60_000 + 20 * Number(longMs ?? 0) + 30 * walks

const real: Machine = { startHeight, step, replayHeight }

/** `bound` is that of the short run; null explores everything in it, too. */
const scenarios: readonly (readonly [name: string, scenario: Scenario, bound: number | null])[] = [
  ['the liar proposes twice', { ...four, proposers: [3, 3] }, null],
  ['the liar proposes, then an honest node', { ...four, proposers: [3, 0] }, 30_000],
  ['an honest node proposes, then the liar', { ...four, proposers: [0, 3] }, 30_000],
  ['honest nodes propose', { ...four, proposers: [0, 1] }, 30_000],
  ['one of two values is bad', { ...four, proposers: [3, 3], invalid: [1] }, null],
  [
    'two liars with less than a third of the power',
    { ...four, powers: [5n, 5n, 2n, 2n], liars: [2, 3], proposers: [2, 0] },
    null,
  ],
  ['an honest node loses its log', { ...four, proposers: [3, 3], losesLogs: true }, 30_000],
  ['three rounds', { ...four, proposers: [3, 0, 1], rounds: 3 }, 30_000],
]

describe('every state of the machine', { timeout: patience }, () => {
  for (const [name, scenario, bound] of scenarios)
    it(`keeps agreement, validity and locks, and frames nobody: ${name}`, () => {
      const maxStates = maxMs === undefined && bound !== null ? bound : undefined
      const found = explore(real, scenario, { maxStates, maxMs })
      assert.equal(found.fault, null, found.trace.join('\n'))
      if (maxMs === undefined) assert.equal(found.complete, bound === null)
      if (maxMs !== undefined) process.stdout.write(`${name}: ${JSON.stringify(found)}\n`)
    })

  it('leaves the honest nodes able to decide, whatever the liar has done', () => {
    for (const proposers of [
      [3, 0, 1, 2],
      [0, 3, 1, 2],
      [0, 1, 2, 3],
    ])
      assert.equal(findStuck(real, { ...four, proposers }, walks), null)
  })
})

const liarProposes: Scenario = { ...four, proposers: [3, 3, 3] }

describe('a planted bug', { timeout: patience }, () => {
  const forked: readonly (readonly [keyof typeof forks, Scenario])[] = [
    ['ignoresLockInL22', liarProposes],
    ['neverLocks', liarProposes],
    ['noProof', liarProposes],
    ['anyProof', liarProposes],
    ['simpleMajority', liarProposes],
    ['countsHeads', { ...liarProposes, powers: [5n, 5n, 2n, 2n], liars: [2, 3] }],
    ['skipsReplayCheck', { ...liarProposes, losesLogs: true }],
  ]
  for (const [key, scenario] of forked) {
    const mutation = forks[key]!
    it(`forks the chain: ${mutation.name}`, async () => {
      const found = await withMutantMachine(mutation, (mutant) =>
        explore(mutant, scenario, { maxStates: 400_000, watch: 'agreement' }),
      )
      assert.match(found.fault ?? 'nothing', /^agreement/)
    })
  }

  it(`breaks a lock: ${forks.ignoresLockInL28!.name}`, async () => {
    const found = await withMutantMachine(forks.ignoresLockInL28!, (mutant) =>
      explore(mutant, { ...liarProposes, rounds: 3 }, { maxStates: 100_000 }),
    )
    assert.equal(found.fault, 'lock: prevoted against a lock')
  })

  it('frames its node: signs without the guard after its log is lost', () => {
    const unguarded = { ...liarProposes, losesLogs: true, guarded: false }
    const found = explore(real, unguarded, { maxStates: 100_000 })
    assert.equal(found.fault, 'framing: an honest node voted twice')
  })

  for (const mutation of Object.values(stalls))
    it(`stops the chain or leaves a node behind: ${mutation.name}`, async () => {
      const scenario = { ...four, proposers: [3, 0, 1, 2] }
      const found = await withMutantMachine(mutation, (mutant) => findStuck(mutant, scenario, 400))
      assert.ok(found !== null)
    })
})
