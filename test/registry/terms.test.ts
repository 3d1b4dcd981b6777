import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Result } from '../../primitives/result.ts'
import {
  allowAccount,
  listedAt,
  listedCount,
  maxListed,
  maxPrice,
  mayTrain,
  readDatasetTerms,
  setDatasetTerms,
} from '../../registry/datasetTerms.ts'
import { account, dataset, digest, memoryWorld, startedWorld } from './world.ts'

const { root, owner } = dataset
const terms = { rowPrice: 7n, licence: 'CC-BY-4.0 OR MIT', listedOnly: true }
const codeOf = (result: Result<unknown, { readonly code: string }>) =>
  result.ok ? 'ok' : result.fault.code

describe('terms of a dataset', () => {
  it('are free and open until its owner sets them', async () => {
    const world = await startedWorld([1_000n])
    const free = { rowPrice: 0n, licence: '', listedOnly: false }
    assert.deepEqual(await readDatasetTerms(world, root), free)
    assert.equal(codeOf(await setDatasetTerms(world, root, terms, owner)), 'ok')
    assert.deepEqual(await readDatasetTerms(world, root), terms)
    await setDatasetTerms(world, root, { ...free, licence: 'MIT' }, owner)
    assert.deepEqual(await readDatasetTerms(world, root), { ...free, licence: 'MIT' })
  })

  it('refuse strangers, unknown datasets, prices and texts out of bounds', async () => {
    const world = await startedWorld([1_000n])
    const set = async (changes: object, caller = owner, name = root) =>
      codeOf(await setDatasetTerms(world, name, { ...terms, ...changes }, caller))
    assert.equal(await set({}, account(1)), 'registry/notOwner')
    assert.equal(await set({}, owner, digest('other')), 'registry/unknown')
    assert.equal(await set({ rowPrice: maxPrice + 1n }), 'registry/badPrice')
    assert.equal(await set({ rowPrice: maxPrice }), 'ok')
    assert.equal(await set({ licence: 'x'.repeat(65) }), 'registry/badLicence')
    assert.equal(await set({ licence: 'x'.repeat(64) }), 'ok')
    for (const licence of ['<b>MIT</b>', 'MIT\n', 'MIT\u202e', "MIT'"])
      assert.equal(await set({ licence }), 'registry/badLicence', licence)
  })

  it('let the owner and those on its list train, where the list counts', async () => {
    const world = await startedWorld([1_000n])
    const may = (n: number) => mayTrain(world, dataset, account(n))
    assert.equal(await may(5), true)
    await setDatasetTerms(world, root, terms, owner)
    assert.deepEqual([await may(5), await mayTrain(world, dataset, owner)], [false, true])
    for (const n of [5, 6, 7, 5])
      assert.equal(codeOf(await allowAccount(world, root, account(n), true, owner)), 'ok')
    assert.deepEqual(
      [await may(5), await may(6), await may(7), await may(8)],
      [true, true, true, false],
    )
    assert.equal(await listedCount(world, root), 3)

    await allowAccount(world, root, account(5), false, owner)
    await allowAccount(world, root, account(5), false, owner)
    assert.deepEqual([await may(5), await may(6), await may(7)], [false, true, true])
    assert.deepEqual(
      [await listedAt(world, root, 0), await listedAt(world, root, 1)],
      [account(7), account(6)],
    )
    await allowAccount(world, root, account(7), false, owner)
    await allowAccount(world, root, account(6), false, owner)
    assert.equal(await listedCount(world, root), 0)
    assert.deepEqual([await may(6), await may(7)], [false, false])
  })

  it('bound the list, and let nobody else write it', async () => {
    const world = await startedWorld([1_000n])
    const allow = async (n: number, caller = owner) =>
      codeOf(await allowAccount(world, root, account(n), true, caller))
    assert.equal(await allow(1, account(1)), 'registry/notOwner')
    for (let n = 1; n <= maxListed; n++) assert.equal(await allow(n), 'ok')
    assert.equal(await allow(maxListed + 1), 'registry/listFull')
    assert.equal(await allow(maxListed), 'ok')
    const other = await allowAccount(memoryWorld(), root, account(1), true, owner)
    assert.equal(codeOf(other), 'registry/unknown')
  })
})
