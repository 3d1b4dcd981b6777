/**
 * The WebAssembly backend: SIMD kernels on one thread or several, the same bits as the reference.
 */
import type { Backend } from './backend.ts'
import { createHeap } from './wasmMemory.ts'
import { wasmProducts } from './wasmProducts.ts'
import { openWasmSession } from './wasmSession.ts'
import { openTeam } from './wasmTeam.ts'

export type WasmOptions = {
  /** This thread included. @default 1 */
  readonly threads?: number | undefined
}

/**
 * Its methods block the calling thread while they compute.
 *
 * @throws {Error} if the kernels were not built.
 */
export async function openWasmBackend({ threads = 1 }: WasmOptions = {}): Promise<Backend> {
  const team = await openTeam(threads)
  const heap = createHeap(team.memory)
  return {
    name: 'wasm',
    products: wasmProducts(team, heap),
    open: async (job, state) => openWasmSession(team, heap, job, state),
    close: team.close,
  }
}
