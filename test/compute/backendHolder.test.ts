import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Backend, BackendChoice } from '../../compute/backend.ts'
import { holdBackend } from '../../compute/backendHolder.ts'
import { referenceBackend } from '../../compute/reference.ts'

/** Every backend is the reference by another name; those of `failing` throw at any product. */
function opening(failing: readonly BackendChoice[], opened: BackendChoice[]) {
  return async (choice: BackendChoice) => {
    opened.push(choice)
    const products = failing.includes(choice)
      ? { ...referenceBackend.products, forward: () => Promise.reject(new Error('lost')) }
      : referenceBackend.products
    const backend = { ...referenceBackend, name: choice, products } as Backend
    return { backend, warning: null }
  }
}

const product = ({ products }: Backend) =>
  products.forward(Int8Array.of(3), Int8Array.of(5), { rows: 1, width: 1, inner: 1 })

describe('backend holder', () => {
  it('does the work again on the processor when a device fails, and warns once', async () => {
    const opened: BackendChoice[] = []
    const warnings: string[] = []
    const holder = holdBackend(
      'webgpu',
      1,
      (text) => warnings.push(text),
      opening(['webgpu'], opened),
    )
    assert.deepEqual(await holder.use(product), Int32Array.of(15))
    assert.deepEqual(await holder.use(product), Int32Array.of(15))
    assert.deepEqual(opened, ['webgpu', 'wasm'])
    assert.deepEqual(warnings, ['the webgpu backend failed: lost; training continues on wasm'])
  })

  it('opens nothing before it is used, and one backend for all uses', async () => {
    const opened: BackendChoice[] = []
    const holder = holdBackend('wasm', 1, assert.fail, opening([], opened))
    assert.deepEqual(opened, [])
    await Promise.all([holder.use(product), holder.use(product)])
    assert.deepEqual(opened, ['wasm'])
  })

  it('passes on what fails on the processor', async () => {
    const holder = holdBackend('wasm', 1, assert.fail, opening(['wasm'], []))
    await assert.rejects(holder.use(product), /lost/)
  })
})
