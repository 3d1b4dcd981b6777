import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { fromHex } from '../../primitives/bytes.ts'
import { estimateGas } from '../../rpc/estimate.ts'
import { describeRevert } from '../../rpc/revert.ts'
import type { CallOutcome } from '../../rpc/views.ts'

const cap = 16_000_000n
const nothing = new Uint8Array()

/** A call that needs a limit of `needed` but reports only `used`, as refunds and held-back gas do. */
function callNeeding(needed: bigint, used: bigint) {
  const runs: bigint[] = []
  const run = async (gas: bigint): Promise<CallOutcome> => {
    runs.push(gas)
    return gas >= needed
      ? { ok: true, returnData: nothing, gasUsed: used }
      : { ok: false, kind: 'halt', reason: 'out of gas', returnData: nothing, gasUsed: gas }
  }
  return { run, runs }
}

describe('estimateGas', () => {
  it('is exact where what is used is what is needed', async () => {
    const { run, runs } = callNeeding(21_000n, 21_000n)
    assert.deepEqual(await estimateGas(run, cap), { ok: true, value: 21_000n })
    assert.equal(runs.length, 2)
  })

  it('always succeeds when used, and is at most 1/64 too high', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.bigInt({ min: 21_000n, max: cap }),
        fc.bigInt({ min: 1n, max: 5n }),
        async (needed, part) => {
          const { run, runs } = callNeeding(needed, needed - needed / (part + 4n))
          const estimate = await estimateGas(run, cap)
          assert.ok(estimate.ok)
          assert.ok(estimate.value >= needed)
          assert.ok(estimate.value <= needed + needed / 63n + 1n)
          assert.ok(runs.length < 40)
        },
      ),
    )
  })

  it('says why a call fails even with all the gas', async () => {
    const failing = async (): Promise<CallOutcome> => ({
      ok: false,
      kind: 'revert',
      reason: 'revert',
      returnData: fromHex('0x1234'),
      gasUsed: 30_000n,
    })
    assert.deepEqual(await estimateGas(failing, cap), {
      ok: false,
      fault: { code: 'rpc/reverted', reason: 'execution reverted', data: '0x1234' },
    })
    const { run } = callNeeding(cap + 1n, cap)
    const estimate = await estimateGas(run, cap)
    assert.deepEqual(estimate, {
      ok: false,
      fault: { code: 'rpc/execution', reason: `gas required exceeds allowance (${cap})` },
    })
    const gone = await estimateGas(async () => null, cap)
    assert.deepEqual(gone, { ok: false, fault: { code: 'rpc/notFound', what: 'state' } })
  })

  it('ends when nobody waits for it any more', async () => {
    const { run, runs } = callNeeding(cap / 3n, cap / 9n)
    const timeout = { code: 'rpc/timeout', limitMs: 1 } as const
    const estimate = await estimateGas(run, cap, () => (runs.length < 4 ? null : timeout))
    assert.deepEqual(estimate, { ok: false, fault: timeout })
    assert.equal(runs.length, 4)
  })
})

describe('describeRevert', () => {
  const word = (value: number) => value.toString(16).padStart(64, '0')

  it('reads Error(string) and Panic(uint256)', () => {
    const text = `08c379a0${word(32)}${word(2)}6869${'00'.repeat(30)}`
    assert.equal(describeRevert(fromHex(text)), 'execution reverted: hi')
    assert.equal(
      describeRevert(fromHex(`4e487b71${word(0x11)}`)),
      'execution reverted: arithmetic underflow or overflow',
    )
    assert.equal(
      describeRevert(fromHex(`4e487b71${word(0x99)}`)),
      'execution reverted: unknown panic code: 0x99',
    )
  })

  it('has an answer for any bytes', () => {
    assert.equal(describeRevert(nothing), 'execution reverted')
    fc.assert(
      fc.property(
        fc.constantFrom('08c379a0', '4e487b71', '12345678'),
        fc.uint8Array({ maxLength: 200 }),
        (selector, rest) => {
          const data = Uint8Array.from([...fromHex(selector), ...rest])
          assert.match(describeRevert(data), /^execution reverted/)
        },
      ),
    )
  })
})
