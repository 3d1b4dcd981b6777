/**
 * Kernels with subgroup matrices. SwiftShader has none: there, the choice is tested, and the text as far
 * as Dawn's compiler; the suite of a card with them waits for one (`WAGGLE_GPU=card`).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { create } from 'webgpu'
import { adapterFacts, findAdapter, requestDevice } from '../../compute/gpuAdapter.ts'
import { openWebGpuBackend } from '../../compute/webgpuBackend.ts'
import { createWebGpu } from '../../compute/webgpuDevice.ts'
import { matrixConfigs, matrixFeature, matrixLabel } from '../../compute/webgpuMatrices.ts'
import { productShader } from '../../compute/webgpuShader.ts'
import { isExact, tileLabel, tilesFor } from '../../compute/webgpuTune.ts'
import { useSoftwareGpu } from '../../scripts/softwareGpu.ts'
import { backendConformance } from './conformance.ts'

if (process.env.WAGGLE_GPU !== 'card') await useSoftwareGpu()
const adapter = await findAdapter()
/** Kept for as long as the process lives: see `gpuAdapter.ts`. */
const noGpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis'])
assert.ok(adapter !== null)
const facts = adapterFacts(adapter)
const here = tilesFor(facts).filter(({ matrix }) => matrix !== undefined)

describe('subgroup matrices', () => {
  it('are tried where an adapter lists a configuration that divides a tile, in both units', () => {
    const tiles = (shapes: readonly string[], subgroup: number | null) =>
      tilesFor({ subgroupMatrices: shapes, subgroup })
        .filter(({ matrix }) => matrix !== undefined)
        .map(tileLabel)
    assert.deepEqual(tiles(['16x16x32', '16x8x32'], 32), [
      '16x4/16x16x32/words',
      '16x4/16x16x32/cells',
      '16x4/16x8x32/words',
      '16x4/16x8x32/cells',
    ])
    assert.deepEqual(tiles(['8x8x32'], 64).length, 2)
    // 24 does not divide 64; 64×64 leaves seven of eight subgroups idle.
    assert.deepEqual(tiles(['24x16x32', '64x64x32', '16x16x3'], 32), [])
    assert.deepEqual(tiles(['16x16x32'], null), [])
    assert.deepEqual(tiles([], 32), [])
  })

  it('load, add and store each fragment of a tile once', () => {
    for (const shape of ['16x16x32', '16x8x32', '8x8x16', '32x32x64'])
      for (const matrix of matrixConfigs([shape], 32)) {
        const text = productShader({ side: 16, cells: 4, matrix })
        const [rows, width, inner] = shape.split('x').map(Number)
        const each = (64 * 64) / (rows! * width!) / 8
        const entries = 6
        const counted = (pattern: RegExp) => text.match(pattern)?.length
        assert.equal(counted(/subgroupMatrixMultiplyAccumulate\(/g), each * entries, shape)
        assert.equal(counted(/subgroupMatrixStore<row_major>/g), each * entries)
        assert.equal(counted(/@builtin\(subgroup_id\)/g), entries)
        assert.ok(
          text.startsWith('enable subgroups;\nenable chromium_experimental_subgroup_matrix;'),
        )
        assert.ok(text.includes(`subgroup_matrix_left<i8, ${inner}, ${rows}>, row_major`))
        assert.ok(text.includes(`subgroup_matrix_right<i8, ${width}, ${inner}>, col_major`))
        assert.ok(text.includes(`subgroup_matrix_result<i32, ${width}, ${rows}>()`))
        assert.ok(!text.includes('dot4I8Packed'))
      }
  })

  it('are WGSL to a compiler that knows them', async () => {
    // A device without hardware, which allows everything.
    const nowhere = await noGpu.requestAdapter()
    const requiredFeatures = ['subgroups', matrixFeature] as GPUFeatureName[]
    const device = await nowhere!.requestDevice({ requiredFeatures })
    const said = async (code: string) => {
      device.pushErrorScope('validation')
      const { messages } = await device.createShaderModule({ code }).getCompilationInfo()
      const error = await device.popErrorScope()
      return [...messages.map(({ message }) => message), ...(error === null ? [] : [error.message])]
    }
    for (const shape of ['16x16x32', '16x8x32', '8x8x16', '32x32x64'])
      for (const matrix of matrixConfigs([shape], 32)) {
        const code = productShader({ side: 16, cells: 4, matrix })
        assert.deepEqual(await said(code), [], matrixLabel(matrix))
        assert.notDeepEqual(await said(code.replaceAll('i32, ', 'f32, ')), [])
      }
    device.destroy()
  })

  it('are left where they do not compile or differ', async () => {
    if (here.length > 0) return
    const device = await requestDevice(adapter)
    const [matrix] = matrixConfigs(['16x16x32'], 32)
    const bound = 2 ** 20
    assert.equal(
      await isExact(createWebGpu(device, { side: 16, cells: 4, matrix: matrix! }, bound)),
      false,
    )
    const plain = createWebGpu(device, { side: 8, cells: 4 }, bound)
    assert.equal(await isExact(plain), true)
    const wrong = { ...plain, transpose: plain.transpose, read: readWrong }
    assert.equal(await isExact(wrong), false)
    device.destroy()

    async function readWrong(...args: Parameters<typeof plain.read>): Promise<ArrayBuffer> {
      const bytes = await plain.read(...args)
      new Uint8Array(bytes)[77]! ^= 1
      return bytes
    }
  }, 60_000)
})

for (const tile of here)
  backendConformance(`webgpu, ${tileLabel(tile)}`, () => openWebGpuBackend({ tile }), {
    productRuns: 12,
    jobRuns: 10,
  })

if (here.length === 0)
  it(`needs a card: ${facts.description} lists no int8 subgroup matrices`, () => {
    assert.deepEqual(facts.subgroupMatrices, [])
  })
