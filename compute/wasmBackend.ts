/**
 * The WebAssembly backend: SIMD kernels on one thread or several, the same bits as the reference.
 */
import type { Backend } from './backend.ts'
import { createHeap } from './wasmMemory.ts'
import { wasmProducts } from './wasmProducts.ts'
import { openWasmSession } from './wasmSession.ts'
import { openTeam, type TeamOptions } from './wasmTeam.ts'

export type WasmOptions = Partial<TeamOptions>

/**
 * On one thread unless told otherwise. Its methods block the calling thread while they compute.
 *
 * @throws {Error} if the kernels were not built.
 */
export async function openWasmBackend(options: WasmOptions = {}): Promise<Backend> {
  const threads = options.threads ?? 1
  const team = await openTeam({ ...options, threads })
  const heap = createHeap(team.memory)
  return {
    name: 'wasm',
    detail: `WebAssembly, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    products: wasmProducts(team, heap),
    open: async (job, state) => openWasmSession(team, heap, job, state),
    close: team.close,
  }
}
