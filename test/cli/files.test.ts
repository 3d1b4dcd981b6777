import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { openSource } from '../../cli/datasetSource.ts'
import { devnetGenesis } from '../../cli/devnetGenesis.ts'
import { Failure } from '../../cli/failure.ts'
import { decodeModel, encodeModel } from '../../cli/modelFile.ts'
import { readScaling, scaleRow, writeScaling } from '../../cli/scaling.ts'
import { commitState, encodeState, initialState } from '../../compute/modelState.ts'
import { parseGenesis } from '../../params/genesis.ts'
import { zeroAddress } from '../../primitives/address.ts'
import { zeroHash } from '../../primitives/hash.ts'
import { type Job, ProofKind } from '../../registry/job.ts'

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'waggle-files-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(home, name)
  await writeFile(path, content)
  return path
}

/** The report of the failure that `action` must end in. */
async function failureOf(action: Promise<unknown>): Promise<Failure['report']> {
  const error = await action.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Failure, String(error))
  return error.report
}

const job: Job = {
  chainId: 57_471,
  owner: zeroAddress,
  nonce: 0n,
  proofKind: ProofKind.Replay,
  dataset: zeroHash,
  layers: [4, 8, 3],
  batch: 8,
  steps: 10,
  leaseSteps: 4,
  fractionBits: 16,
  forwardShifts: [6, 6],
  schedule: [{ fromStep: 0, updateShifts: [2, 2], backwardShifts: [5] }],
  initBound: 16,
  pricePerMac: 1n,
}

describe('a model file', () => {
  const state = initialState(job, zeroHash)
  const bytes = encodeModel(job, encodeState(job, state))

  it('gives back the job, the weights and their commitment', () => {
    const model = decodeModel(bytes)
    const commitment = commitState(job, state)
    assert.deepEqual(model, { ok: true, value: { job, state, commitment } })
  })

  it('is refused when it is cut, grown, or another file', () => {
    for (const wrong of [
      bytes.subarray(0, -1),
      Uint8Array.from([...bytes, 0]),
      new Uint8Array(),
      new TextEncoder().encode('#!/bin/sh\necho hello\n'),
    ])
      assert.equal(decodeModel(wrong).ok, false)
  })

  it('is refused when no chain would have admitted its job', () => {
    for (const wrong of [
      { layers: [4, 8, 0] },
      { layers: [4] },
      { forwardShifts: [6] },
      { forwardShifts: [6, 11] },
      { fractionBits: 64 },
      { schedule: [] },
    ])
      assert.equal(decodeModel(encodeModel({ ...job, ...wrong }, new Uint8Array(56))).ok, false)
  })

  it('gives a verdict whatever is changed in it', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(bytes)
        changed[at]! ^= flip
        assert.equal(typeof decodeModel(changed).ok, 'boolean')
      }),
      { numRuns: 500 },
    )
  })
})

describe('a source of rows', () => {
  it('takes the last column of a CSV file as classes, with or without names', async () => {
    const named = await openSource(await file('named.csv', 'a,b,kind\n1,2,x\n3,4,y\n'), {})
    const plain = await openSource(await file('plain.csv', '1,2,x\n3,4,y\n'), {})
    assert.equal(named.manifest.root, plain.manifest.root)
    assert.deepEqual(named.scaling, {
      format: 'csv',
      ranges: [
        { low: '1', high: '3' },
        { low: '2', high: '4' },
      ],
      labels: ['x', 'y'],
    })
    await named.close()
    await plain.close()
  })

  it('is a blob itself, as it is', async () => {
    const csv = await openSource(await file('once.csv', '1,2,x\n3,4,y\n'), {})
    const blob = await openSource(csv.path, {})
    assert.equal(blob.path, csv.path)
    assert.equal(blob.manifest.root, csv.manifest.root)
    await blob.close()
    await csv.close()
  })

  it('follows a scaling, so that equal numbers stay equal', async () => {
    const train = await openSource(await file('train.csv', '0,0,x\n10,100,y\n'), {})
    const path = join(home, 'scaling')
    await writeScaling(path, train.scaling!)
    assert.deepEqual(scaleRow('5,100', await readScaling(path)), [0, 127])
    const test = await openSource(await file('test.csv', '5,100,y\n'), { scaling: path })
    assert.equal(test.manifest.classes, 2)
    assert.deepEqual(test.scaling, train.scaling)
    await train.close()
    await test.close()
  })

  it('says what is wrong with it', async () => {
    const cases: readonly (readonly [source: string, why: RegExp])[] = [
      [join(home, 'none.csv'), /csv\/io|ENOENT/],
      [await file('words.csv', 'a,b\nc,d\ne,f\n'), /csv\/number .*line=2/],
      [await file('ragged.csv', '1,2,x\n3,y\n'), /csv\/columns .*line=2/],
      [await file('alone.npy', 'x'), /features or labels, not both/],
      [await file('noise', 'noise'), /dataset\//],
    ]
    for (const [source, why] of cases)
      assert.match((await failureOf(openSource(source, {}))).why, why, source)
  })

  it('refuses a file that is no scaling, naming the field', async () => {
    const path = await file('not.scaling', '{"format":"csv","ranges":[{"low":1}],"labels":[]}')
    assert.match((await failureOf(readScaling(path))).why, /ranges\.0 is not/)
    assert.match((await failureOf(readScaling(await file('no.json', '{')))).why, /JSON/)
  })
})

describe('the genesis of a devnet', () => {
  const committed = readFileSync(join(import.meta.dirname, '../../genesis.json'), 'utf8')

  it('is the committed one but for what is asked', () => {
    const four = parseGenesis(devnetGenesis(committed, 4))
    assert.deepEqual(four, parseGenesis(committed))
    const one = parseGenesis(
      devnetGenesis(committed, 1, { firstJob: false, params: { epochLength: 8 } }),
    )
    assert.equal(one.ok, true)
    if (!one.ok) return
    assert.equal(one.value.validators.length, 1)
    assert.equal(one.value.firstJob, null)
    assert.equal(one.value.params.epochLength, 8)
  })

  it('grows to as many validators as wanted', () => {
    const ten = parseGenesis(devnetGenesis(committed, 10))
    assert.equal(ten.ok && ten.value.validators.length, 10)
    assert.equal(ten.ok && ten.value.balances.size, 20)
  })
})
