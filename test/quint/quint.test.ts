import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { type Model, replay } from './replay.ts'
import { randomTraces, runScenarios } from './run.ts'

/** More traces with `WAGGLE_TRACES=n`, others with `WAGGLE_SEED=n`. */
const traces = Number(process.env.WAGGLE_TRACES ?? 10)
const seed = Number(process.env.WAGGLE_SEED ?? 1)
const minutes = 60_000 * Math.max(2, traces / 10)

const models: Readonly<Record<string, Model>> = {
  equal: { powers: [1n, 1n, 1n, 1n], good: [0, 1] },
  weighted: { powers: [5n, 4n, 1n, 4n], good: [0, 1] },
}

describe('the specification', () => {
  for (const model of ['scenarios', 'weighted'])
    it(`tells the story of each rule: ${model}`, { timeout: minutes }, async () => {
      const printed = await runScenarios(model)
      assert.match(printed, /passing/)
    })

  for (const [name, model] of Object.entries(models))
    it(`does what the machine does, step by step: ${name}`, { timeout: minutes }, async () => {
      const all = await randomTraces(name, { seed, traces, steps: 80 })
      assert.equal(all.length, traces)
      const seen = all.map((trace) => replay(trace, model))
      const sum = (field: keyof (typeof seen)[number]) =>
        seen.reduce((total, each) => total + each[field], 0)
      assert.ok(sum('steps') >= 30 * traces, `${sum('steps')} steps`)
      assert.ok(sum('decisions') > 0, 'no trace decided')
      assert.ok(sum('later') > 0, 'no trace came to a later round')
    })
})
