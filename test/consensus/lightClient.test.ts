import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import {
  decodeLightBlock,
  encodeLightBlock,
  type LightBlock,
  openLightBlock,
} from '../../consensus/lightBlock.ts'
import {
  followTo,
  type LightOptions,
  type Trusted,
  trustCheckpoint,
  verifyLightBlock,
} from '../../consensus/lightClient.ts'
import type { Hash } from '../../primitives/hash.ts'
import { ok, type Result } from '../../primitives/result.ts'
import { chainId } from './fixtures.ts'
import { type Changes, epochLength, genesisTime, lightChain, setOfKeys } from './lightChain.ts'

const options: LightOptions = { chainId, epochLength, trustingPeriodS: 1_000n, driftS: 2n }

/** One of four members is replaced each epoch. */
const slow = lightChain((epoch) => [0, 1, 2, 3].map((i) => epoch + i))
/** All four are replaced each epoch. */
const sudden = lightChain((epoch) => [0, 1, 2, 3].map((i) => 4 * epoch + i))
const still = lightChain(() => [0, 1, 2, 3])

const now = genesisTime + 200n

function value<T>(result: Result<T, { readonly code: string }>): T {
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.fault.code))
  return result.value
}

function codeOf(result: Result<unknown, { readonly code: string }>): string {
  return result.ok ? 'ok' : result.fault.code
}

function hashOfBlock(block: LightBlock): Hash {
  return value(openLightBlock(block)).hash
}

function trustAt(chain: typeof still, height: bigint): Trusted {
  const block = chain.block(height)
  return value(trustCheckpoint(block, hashOfBlock(block), options, now))
}

describe('a light block', () => {
  it('survives its encoding, also beyond one part', () => {
    for (const filling of [0, 70_000]) {
      const block = still.block(5n, { filling })
      assert.deepEqual(value(decodeLightBlock(encodeLightBlock(block))).path, block.path)
      assert.equal(codeOf(openLightBlock(block)), 'ok')
    }
  })

  it('is refused when any piece is another', () => {
    const block = still.block(5n, { filling: 70_000 })
    const other = still.block(6n)
    const firstPart = block.firstPart.slice()
    firstPart[100]! ^= 1
    const cases: readonly (readonly [Partial<LightBlock>, string])[] = [
      [{ size: block.size + 1 }, 'light/name'],
      [{ partsRoot: other.partsRoot }, 'light/name'],
      [{ firstPart }, 'light/part'],
      [{ firstPart: block.firstPart.subarray(1) }, 'light/part'],
      [{ path: [] }, 'light/part'],
      [{ commit: { ...block.commit, height: 6n } }, 'light/height'],
      [{ leaves: other.leaves }, 'light/sets'],
      [{ next: setOfKeys([0, 1, 2, 4]) }, 'light/sets'],
      [{ current: setOfKeys([4]) }, 'light/sets'],
    ]
    for (const [changes, code] of cases)
      assert.equal(codeOf(openLightBlock({ ...block, ...changes })), code)
  })

  it('gives a verdict on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        const decoded = decodeLightBlock(bytes)
        assert.ok(decoded.ok || decoded.fault.code.startsWith('codec/'))
      }),
    )
    const good = encodeLightBlock(still.block(5n))
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bytes = good.slice()
        bytes[at]! ^= mask
        const decoded = decodeLightBlock(bytes)
        if (!decoded.ok) return
        const trusted = trustAtZero
        assert.notEqual(codeOf(verifyLightBlock(trusted, decoded.value, options, now)), 'ok')
      }),
      { numRuns: 60 },
    )
  })
})

const trustAtZero = trustAt(still, 1n)

describe('the light client', () => {
  it('starts from a block that is vouched for', () => {
    const block = slow.block(9n)
    const trusted = trustAt(slow, 9n)
    assert.equal(trusted.height, 9n)
    const wrong = hashOfBlock(slow.block(10n))
    assert.equal(codeOf(trustCheckpoint(block, wrong, options, now)), 'light/checkpoint')
    const unsigned = { ...block, commit: { ...block.commit, signature: new Uint8Array(96) } }
    assert.equal(
      codeOf(trustCheckpoint(unsigned, hashOfBlock(block), options, now)),
      'commit/signature',
    )
    assert.equal(
      codeOf(trustCheckpoint(block, hashOfBlock(block), options, now + 1_000n)),
      'light/expired',
    )
  })

  it('takes a block of this epoch and the next by the sets it knows', () => {
    const trusted = trustAt(sudden, 1n)
    for (const height of [2n, 3n, 4n, 7n])
      assert.equal(codeOf(verifyLightBlock(trusted, sudden.block(height), options, now)), 'ok')
    assert.equal(codeOf(verifyLightBlock(trusted, sudden.block(8n), options, now)), 'light/overlap')
  })

  it('skips while more than a third of the known set has signed', () => {
    const trusted = trustAt(slow, 1n)
    // The known set of epoch 1 is 1..4; that of epoch 3 is 3..6: two of four.
    assert.equal(codeOf(verifyLightBlock(trusted, slow.block(13n), options, now)), 'ok')
    // Of epoch 4, only one is left.
    assert.equal(codeOf(verifyLightBlock(trusted, slow.block(17n), options, now)), 'light/overlap')
    // Two are members, but only one of them has signed.
    const few = slow.block(13n, { signers: [1, 2, 3] })
    assert.equal(codeOf(verifyLightBlock(trusted, few, options, now)), 'light/overlap')
  })

  it('bisects where the set changes faster, and asks for no more than one block an epoch', async () => {
    for (const [chain, most] of [
      [still, 1],
      [slow, 10],
      [sudden, 20],
    ] as const) {
      const asked: bigint[] = []
      const reached = await followTo(trustAt(chain, 1n), 60n, options, now, async (height) => {
        asked.push(height)
        return ok(chain.block(height))
      })
      assert.equal(value(reached).height, 60n)
      assert.equal(value(reached).hash, hashOfBlock(chain.block(60n)))
      assert.ok(asked.length <= most, `${asked.length} blocks`)
    }
  })

  it('stops with the fault of a source that lies, fails, or answers something else', async () => {
    const from = trustAt(still, 1n)
    const lies = async (height: bigint) => ok(still.block(height, { sets: [rogue, rogue] }))
    assert.equal(codeOf(await followTo(from, 6n, options, now, lies)), 'light/set')
    const fails = async () => ({ ok: false, fault: { code: 'test/gone' } }) as const
    assert.equal(codeOf(await followTo(from, 6n, options, now, fails)), 'light/fetch')
    const other = async () => ok(still.block(5n))
    assert.equal(codeOf(await followTo(from, 6n, options, now, other)), 'light/asked')
  })

  const rogue = setOfKeys([10, 11, 12, 13])

  it('refuses what does not follow', () => {
    const trusted = trustAt(still, 5n)
    const cases: readonly (readonly [bigint, Changes, string])[] = [
      [5n, {}, 'light/order'],
      [4n, {}, 'light/order'],
      [9n, { time: genesisTime + 5n }, 'light/order'],
      [9n, { time: now + 3n }, 'light/future'],
      [7n, { sets: [rogue, rogue] }, 'light/set'],
      [8n, { sets: [rogue, rogue] }, 'light/set'],
      [40n, { sets: [rogue, rogue] }, 'light/overlap'],
      [7n, { signers: [0, 1] }, 'commit/power'],
      [40n, { signers: [0, 1] }, 'commit/power'],
    ]
    for (const [height, changes, code] of cases)
      assert.equal(
        codeOf(verifyLightBlock(trusted, still.block(height, changes), options, now)),
        code,
        `${height} ${code}`,
      )
    const stale = genesisTime + 5n + options.trustingPeriodS
    assert.equal(
      codeOf(verifyLightBlock(trusted, still.block(6n), options, stale)),
      'light/expired',
    )
    const elsewhere = { ...options, chainId: chainId + 1 }
    assert.equal(
      codeOf(verifyLightBlock(trusted, still.block(6n), elsewhere, now)),
      'commit/signature',
    )
  })
})
