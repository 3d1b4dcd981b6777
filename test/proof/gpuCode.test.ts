import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { adapterFacts, findAdapter, requestDevice } from '../../compute/gpuAdapter.ts'
import { order } from '../../proof/babyBear.ts'
import { openGpuCode } from '../../proof/gpuCode.ts'
import { openGpuColumns } from '../../proof/gpuColumns.ts'
import { createProofGpu, type ProofGpu } from '../../proof/gpuDevice.ts'
import { hashColumns } from '../../proof/ligero.ts'
import { hashPairs, merkleTree } from '../../proof/multiproof.ts'
import { domainOf, evaluateOnDomain } from '../../proof/ntt.ts'
import { ceilLog2 } from '../../proof/security.ts'
import { useSoftwareGpu } from '../../scripts/softwareGpu.ts'

/** `WAGGLE_GPU=card` runs on the card that the machine has. */
let gpu: ProofGpu

beforeAll(async () => {
  if (process.env.WAGGLE_GPU !== 'card') await useSoftwareGpu()
  const adapter = await findAdapter()
  assert.ok(adapter !== null)
  gpu = createProofGpu(await requestDevice(adapter), adapterFacts(adapter).maxBinding)
})

afterAll(() => gpu.close())

/** Integers of magnitude below p, the edges often. */
function messagesOf(length: number): Int32Array {
  let state = 7 + length
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state
  }
  const edges = [0, order - 1, 1 - order, 1, -1]
  return Int32Array.from({ length }, () => {
    const value = next() % order
    return next() >>> 29 === 0 ? edges[next() % 5]! : next() >>> 31 === 0 ? value : -value
  })
}

async function check(
  device: ProofGpu,
  plan: { readonly rows: number; readonly width: number; readonly size: number },
  rowsAtOnce: number,
): Promise<void> {
  const { rows, width, size } = plan
  const messages = messagesOf(rows * width)
  const code = new Uint32Array(rows * size)
  for (let row = 0; row < rows; row++) {
    const message = messages.subarray(row * width, (row + 1) * width)
    evaluateOnDomain(domainOf(size), message, code, row * size)
  }
  const expected = merkleTree(hashPairs, hashColumns(code, rows, size))
  const held = openGpuCode(device, plan)
  const columns = openGpuColumns(device)
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const codeRows = Math.min(rowsAtOnce, rows - row)
    const words = messages.slice(row * width, (row + codeRows) * width)
    const bits = ceilLog2(width)
    const bitsOf = { strideBits: bits, lowBits: bits, colBits: bits }
    const placement = { ...bitsOf, stride: width, rows: codeRows, cols: width, rowStride: width }
    held.add({ cells: columns.bring({ words }), placement, codeRows })
  }
  const words = await held.tree()
  const positions = Uint32Array.of(0, 3, size - 1)
  const picked = await held.pick(positions)
  held.release()
  assert.deepEqual(
    picked,
    Uint32Array.from({ length: 3 * rows }, (_, i) => {
      const row = i % rows
      return code[row * size + positions[Math.floor(i / rows)]!]!
    }),
  )
  assert.deepEqual(new Uint8Array(words.buffer), Uint8Array.from(expected.flatMap((d) => [...d])))
}

describe('codes on a GPU are the reference, bit for bit', { timeout: 120_000 }, () => {
  it('short rows, and widths that are no power of two', async () => {
    for (const [rows, width, size] of [
      [1, 1, 16],
      [15, 3, 16],
      [16, 5, 32],
      [29, 10, 32],
      [14, 37, 128],
      [13, 20, 256],
    ] as const)
      await check(gpu, { rows, width, size }, 16)
  })

  it('rows longer than a workgroup holds', async () => {
    await check(gpu, { rows: 3, width: 5000, size: 16_384 }, 16)
    await check(gpu, { rows: 2, width: 2, size: 16_384 }, 16)
  })

  it('a code in several buffers', async () => {
    const small = { ...gpu, maxBinding: 4 * 64 * 33 }
    await check(small, { rows: 83, width: 20, size: 64 }, 48)
    assert.throws(() => openGpuCode(small, { rows: 1, width: 70, size: 256 }), /one binding/)
  })
})
