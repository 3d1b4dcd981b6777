import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { datasetFromBytes, encodeHeader, encodeRow, rowLeaves } from '../../compute/dataset.ts'
import { encodeState, initialState } from '../../compute/modelState.ts'
import { createSender } from '../../node/sender.ts'
import { rowPart, show } from '../../node/showTask.ts'
import { concatBytes } from '../../primitives/bytes.ts'
import { checkMerklePath, merkleLeaf, merkleRoot } from '../../primitives/merkle.ts'
import { ok } from '../../primitives/result.ts'
import { commitWeights } from '../../proof/prover.ts'
import { referenceKernels } from '../../proof/referenceKernels.ts'
import { checkWeightsOpening } from '../../proof/weightsTree.ts'
import { encodeJob } from '../../registry/job.ts'
import { tinyJob } from '../proof/support.ts'
import { account, digest } from '../registry/world.ts'

function datasetOf(rows: number) {
  const shape = { rows, features: 3, classes: 2 }
  const encoded = Array.from({ length: rows }, (_, i) => encodeRow(Int8Array.of(i, -i, 7), i % 2))
  const dataset = datasetFromBytes(concatBytes(encodeHeader(shape), ...encoded))
  assert.ok(dataset.ok)
  return dataset.value
}

const openDataset = () => ok(datasetOf(11))

describe('a part of what is kept', () => {
  it('is a row and its path, whatever the number of rows', () => {
    for (const rows of [1, 2, 3, 5, 8, 13]) {
      const dataset = datasetOf(rows)
      const root = merkleRoot(rowLeaves(dataset))
      for (let index = 0; index < rows; index++) {
        const { data, path } = rowPart(dataset, index)
        assert.ok(checkMerklePath(root, rows, index, merkleLeaf(data), path))
      }
    }
  })

  it('is found for rows and for weights, and not in what is neither', () => {
    const modules = { kernels: referenceKernels, openDataset }
    const row = show({ kind: 'show', index: 4, of: { rows: 'path' } }, modules)
    assert.deepEqual(row.ok && row.value, rowPart(datasetOf(11), 4))
    const job = tinyJob([8, 6, 3])
    const state = initialState(job, digest('seed'))
    const of = { job: encodeJob(job), state: encodeState(job, state) }
    const position = show({ kind: 'show', index: 3_000_000_001, of }, modules)
    assert.ok(position.ok)
    const commitment = commitWeights(job, state)
    assert.ok(checkWeightsOpening(job, commitment, 3_000_000_001, position.value))
    const cut = show(
      { kind: 'show', index: 1, of: { ...of, state: of.state.subarray(1) } },
      modules,
    )
    assert.equal(cut.ok, false)
    const none = show({ kind: 'show', index: 1, of: { ...of, job: of.job.subarray(1) } }, modules)
    assert.equal(none.ok, false)
  })
})

describe('calls of a validator', () => {
  function createWorld() {
    const signed: bigint[] = []
    let [nonce, pending]: [bigint, bigint | null] = [5n, null]
    let waiting: readonly bigint[] = []
    const sender = createSender({
      chainId: 1,
      clock: {
        now: () => 0,
        after: (_, action) => {
          setImmediate(action)
          return () => {}
        },
      },
      account: {
        address: account(1),
        sign: async (transaction) => {
          signed.push(transaction.nonce)
          return new Uint8Array()
        },
      },
      transactions: {
        nonceOf: () => pending,
        add: async () => ok({ hash: digest('sent') }) as never,
      },
      certificates: {
        pool: {
          all: () =>
            waiting.map((n) => ({ worker: account(1), transaction: { tx: { nonce: n } } })),
        } as never,
      },
      pools: { account: async () => ({ nonce }), nextBaseFee: () => 1n },
    })
    return {
      sender,
      signed,
      set: (changes: { pending?: bigint | null; waiting?: readonly bigint[] }) => {
        pending = changes.pending === undefined ? pending : changes.pending
        waiting = changes.waiting ?? waiting
        nonce = 5n
      },
    }
  }
  const call = { to: account(2), data: '0x', gas: 1n } as const

  it('take the next nonce, after those that wait', async () => {
    const { sender, signed, set } = createWorld()
    assert.ok((await sender.send(call)).ok)
    set({ pending: 7n })
    assert.ok((await sender.send(call)).ok)
    assert.deepEqual(signed, [5n, 7n])
  })

  it('never take the nonce of a certificate, which waits for them in its turn', async () => {
    const { sender, signed, set } = createWorld()
    set({ waiting: [5n] })
    assert.deepEqual(await sender.send(call), {
      ok: false,
      fault: { code: 'sender/certificate', waiting: 1 },
    })
    set({ waiting: [4n], pending: 6n })
    const order: string[] = []
    const certified = sender.beforeCalls(async () => order.push('certificate'))
    const sent = sender.send(call).then(() => order.push('call'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(order, [])
    set({ pending: null })
    await Promise.all([certified, sent])
    assert.deepEqual(order, ['certificate', 'call'])
    assert.deepEqual(signed, [5n])
  })
})
