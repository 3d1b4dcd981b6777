import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { parseGenesis } from '../../params/genesis.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { weiPerGwei } from '../../primitives/brand.ts'
import { jobAt, jobCount, readJobState } from '../../registry/jobRecord.ts'
import { readStakes } from '../../registry/stakes.ts'
import { honest } from '../../simulate/conduct.ts'
import { createDice } from '../../simulate/dice.ts'
import { parseOutcome } from '../../simulate/outcome.ts'
import { reportPage, reportTable } from '../../simulate/plots.ts'
import { runScenario, type Scenario } from '../../simulate/scenario.ts'
import { scenarios } from '../../simulate/scenarios.ts'
import { accountOf, coin, ordinaryJob, settingOf, stakeGwei } from '../../simulate/setting.ts'
import { createSimulation } from '../../simulate/simulation.ts'
import { intervalOf } from '../../simulate/statistics.ts'
import { summarise } from '../../simulate/summary.ts'
import { createWorkshop } from '../../simulate/workshop.ts'

const genesis = parseGenesis(readFileSync(join(import.meta.dirname, '../../genesis.json'), 'utf8'))
assert.ok(genesis.ok)
const { params } = genesis.value

/** Epochs and seeds of each scenario; `npx waggle simulate all --seeds 20 --epochs 1000` is the long run. */
const epochs = Number(process.env.WAGGLE_SIMULATE_EPOCHS ?? 30)
const options = { params, seed: 1, epochs, agents: 20 }
/** Those whose loss shows within a few epochs; the others need the long run. */
const plain = new Set([
  'proof-copier',
  'withholder',
  'lazy-verifier',
  'lease-squatter',
  'spammer',
  'self-dealer',
])

describe('adversaries', () => {
  for (const scenario of scenarios)
    it(`${scenario.name} plays the real rules to the end`, async () => {
      const outcome = await runScenario(scenario, options)
      assert.equal(outcome.course.length, epochs)
      assert.ok(Number.isFinite(outcome.relativeProfit))
      if (plain.has(scenario.name)) assert.ok(outcome.relativeProfit < 0, scenario.name)
    })

  it('gain nothing by being honest, and play the same from the same seed', async () => {
    const same: Scenario = { ...scenarios[1]!, name: 'honest', adversary: scenarios[1]!.honest }
    const [once, twice] = [await runScenario(same, options), await runScenario(same, options)]
    assert.equal(once.relativeProfit, 0)
    assert.deepEqual(once, twice)
    const other = await runScenario(same, { ...options, seed: 2 })
    assert.notEqual(other.honestProfit, once.honestProfit)
  })
})

describe('a simulated chain', () => {
  it('accounts for every wei at every epoch', async () => {
    const sim = createSimulation(settingOf(params), 3, 40n)
    const workshop = createWorkshop(sim, createDice('workshop', 3))
    const owner = accountOf(1, 0)
    for (let n = 0; n < 5; n++) await sim.addValidator(accountOf(0, n), stakeGwei, honest)
    sim.endow(owner, 1_000n * coin)
    await sim.entrust(accountOf(2, 0), accountOf(0, 1), 5n * coin)
    let nonce = 0n
    sim.addActor(async (_, height) => {
      if (height % 7n === 0n) await sim.open(ordinaryJob(owner, nonce++, 200_000_000n), height)
    })
    sim.addActor(workshop.act)
    await sim.begin()
    const { world } = sim
    for (let height = 1n; height <= 240n; height++) {
      await sim.block(height)
      if (height % 6n !== 0n) continue
      assert.equal(world.supply(), world.minted() - world.burned())
      let escrow = 0n
      for (let i = 0; i < (await jobCount(world)); i++)
        escrow += (await readJobState(world, await jobAt(world, i)))!.escrow
      assert.equal(world.balanceOf(moduleAddresses.jobs), escrow)
      const stakes = (await readStakes(world)).reduce((sum, { stake }) => sum + stake, 0n)
      assert.ok(world.balanceOf(moduleAddresses.staking) >= stakes * weiPerGwei + 5n * coin)
    }
    assert.ok(world.burned() > 0n)
  })
})

describe('a report', () => {
  it("gives Student's interval", () => {
    const { mean, low, high } = intervalOf([1, 2, 3, 4])
    assert.equal(mean, 2.5)
    assert.ok(Math.abs(high - 2.5 - 3.182 * 0.6455) < 1e-3)
    assert.ok(Math.abs(mean - low - (high - mean)) < 1e-12)
    assert.equal(intervalOf([7]).high, Number.POSITIVE_INFINITY)
  })

  it('shows what outcomes say, and reads them back', () => {
    const outcome = {
      scenario: 'censor',
      seed: 5,
      adversaryProfit: -3n,
      honestProfit: 4n,
      relativeProfit: -0.25,
      course: [0, -0.25],
    }
    const line = JSON.stringify(outcome, (_, v) => (typeof v === 'bigint' ? v.toString() : v))
    assert.deepEqual(parseOutcome(line), outcome)
    for (const bad of ['', '{', 'null', '{"scenario":"x"}', line.replace('"-3"', '"x"')])
      assert.equal(parseOutcome(bad), null)
    const summary = summarise(scenarios.find(({ name }) => name === 'censor')!, [outcome, outcome])
    assert.match(
      reportTable([summary]),
      /\| `censor` \| -25\.0 % \| -25\.0 % to -25\.0 % \| 0 of 2 \|/,
    )
    assert.match(reportPage([summary], 10), /<polyline points="40\.0,8\.0 552\.0,136\.0"/)
  })
})
