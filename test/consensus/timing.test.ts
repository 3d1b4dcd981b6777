import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { BuiltValue, Head } from '../../consensus/driverModules.ts'
import { Step } from '../../consensus/machineState.ts'
import { createProposing } from '../../consensus/proposing.ts'
import { isTimely, proposeFromMs, timeoutMs } from '../../consensus/timeouts.ts'
import { createTimers } from '../../consensus/timers.ts'
import type { Clock } from '../../primitives/clock.ts'
import { params } from './fixtures.ts'

const parent: Head = { height: 4n, time: 1_000n }
/** One second after the parent's timestamp. */
const earliest = 1_001_000

/** A clock that stands until it is moved. */
function manualClock(start: number): Clock & { readonly moveTo: (ms: number) => void } {
  const due = new Map<object, { readonly at: number; readonly action: () => void }>()
  let now = start
  return {
    now: () => now,
    after: (delayMs, action) => {
      const key = {}
      due.set(key, { at: now + delayMs, action })
      return () => due.delete(key)
    },
    moveTo: (ms) => {
      for (;;) {
        const next = [...due].toSorted((a, b) => a[1].at - b[1].at)[0]
        if (next === undefined || next[1].at > ms) break
        due.delete(next[0])
        now = next[1].at
        next[1].action()
      }
      now = ms
    },
  }
}

describe('timeouts', () => {
  it('grow by round up to a cap', () => {
    assert.equal(timeoutMs(params, Step.Propose, 0), 1_500)
    assert.equal(timeoutMs(params, Step.Prevote, 2), 1_000)
    assert.equal(timeoutMs(params, Step.Precommit, 1_000), 30_000)
  })

  it('wait for whole seconds between blocks, longer without work, only in round 0', () => {
    assert.equal(proposeFromMs(params, parent, 0, true), earliest)
    assert.equal(proposeFromMs(params, parent, 0, false), 1_005_000)
    assert.equal(proposeFromMs(params, parent, 1, false), earliest)
    const slow = { ...params, minBlockIntervalMs: 1_500 }
    assert.equal(proposeFromMs(slow, parent, 0, true), 1_002_000)
  })
})

describe('proposer-based timestamps', () => {
  const cases: readonly (readonly [string, bigint, number, number, boolean])[] = [
    ['on time', 1_001n, 0, earliest, true],
    ['not after the parent', 1_000n, 0, earliest, false],
    ['from a clock slightly ahead', 1_002n, 0, 1_001_500, true],
    ['from the future', 1_002n, 0, 1_001_499, false],
    ['as late as may be', 1_001n, 0, earliest + 1_000 + 500 + 2_000, true],
    ['too late', 1_001n, 0, earliest + 3_501, false],
    ['as late, in a later round', 1_001n, 2, earliest + 5_500, true],
    ['too late in a later round', 1_001n, 2, earliest + 5_501, false],
  ]
  for (const [name, time, round, now, expected] of cases)
    it(`${expected ? 'believe' : 'refuse'} one ${name}`, () => {
      assert.equal(isTimely(params, parent, time, round, now), expected)
    })
})

describe('timers', () => {
  function make(hasWork: boolean) {
    const clock = manualClock(1_000_500)
    const fired: (readonly [number, Step, number])[] = []
    const timers = createTimers({
      clock,
      params,
      parent,
      hasWork: () => hasWork,
      fire: (step, round) => fired.push([clock.now(), step, round]),
    })
    return { clock, fired, timers }
  }

  it('count the wait for a proposal from when one may be made', () => {
    const { clock, fired, timers } = make(true)
    timers.schedule(Step.Propose, 0)
    timers.schedule(Step.Prevote, 0)
    clock.moveTo(1_010_000)
    assert.deepEqual(fired, [
      [1_001_000, Step.Prevote, 0],
      [earliest + 1_500, Step.Propose, 0],
    ])
  })

  it('include the idle wait, and shorten it when work arrives', () => {
    const idle = make(false)
    idle.timers.schedule(Step.Propose, 0)
    idle.clock.moveTo(1_010_000)
    assert.deepEqual(idle.fired, [[1_006_500, Step.Propose, 0]])

    const busy = make(false)
    busy.timers.schedule(Step.Propose, 0)
    busy.clock.moveTo(1_003_000)
    busy.timers.onWork()
    busy.timers.onWork()
    busy.clock.moveTo(1_010_000)
    assert.deepEqual(busy.fired, [[1_004_500, Step.Propose, 0]])
  })

  it('do not fire when cancelled', () => {
    const { clock, fired, timers } = make(true)
    timers.schedule(Step.Propose, 0)
    timers.cancel()
    timers.onWork()
    clock.moveTo(1_020_000)
    assert.deepEqual(fired, [])
  })
})

describe('proposing', () => {
  function make(hasWork: { now: boolean }) {
    const clock = manualClock(1_000_200)
    const asked: (readonly [number, number])[] = []
    const proposing = createProposing({
      clock,
      params,
      parent,
      height: 5n,
      hasWork: () => hasWork.now,
      buildValue: (_, round) => {
        asked.push([clock.now(), round])
        return new Promise<BuiltValue>(() => {})
      },
      built: () => {},
      report: (error) => assert.fail(String(error)),
    })
    return { clock, asked, proposing }
  }

  it('waits for the block interval', () => {
    const { clock, asked, proposing } = make({ now: true })
    proposing.begin(0)
    clock.moveTo(1_010_000)
    assert.deepEqual(asked, [[earliest, 0]])
  })

  it('makes an empty block only after the idle interval', () => {
    const { clock, asked, proposing } = make({ now: false })
    proposing.begin(0)
    clock.moveTo(1_010_000)
    assert.deepEqual(asked, [[1_005_000, 0]])
  })

  it('goes to work when there is some, once', () => {
    const work = { now: false }
    const { clock, asked, proposing } = make(work)
    proposing.begin(0)
    clock.moveTo(1_002_345)
    work.now = true
    proposing.onWork()
    proposing.onWork()
    clock.moveTo(1_010_000)
    assert.deepEqual(asked, [[1_002_345, 0]])
  })

  it('gives up with the round', () => {
    const { clock, asked, proposing } = make({ now: true })
    proposing.begin(0)
    proposing.abandon()
    proposing.onWork()
    clock.moveTo(1_010_000)
    assert.deepEqual(asked, [])
  })
})
