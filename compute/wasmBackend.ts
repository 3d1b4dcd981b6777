/**
 * The WebAssembly backend.
 */
import type { Backend } from './backend.ts'

/** @throws {Error} if the kernels were not built. */
export async function openWasmBackend(_options: { readonly threads: number }): Promise<Backend> {
  throw new Error('the kernels are not built: npm run prepare')
}
