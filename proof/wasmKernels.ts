/**
 * The compiled kernels where Node runs: read from the build, with the platform's SHA-256.
 */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { kernelsOn } from './arenaKernels.ts'
import type { Kernels } from './kernels.ts'
import { arenaMemory, openArena } from './wasmArena.ts'

const path = new URL('../dist/wasm/proof.wasm', import.meta.url)

/** @throws {Error} if the kernels were not built; it says how to build them. */
export function openWasmKernels(): Kernels {
  const memory = arenaMemory()
  const instance = new WebAssembly.Instance(compiled(), { env: { memory } })
  return kernelsOn(openArena(memory, instance), (bytes) => hash('sha256', bytes, 'buffer'))
}

let module: WebAssembly.Module | null = null

function compiled(): WebAssembly.Module {
  if (module !== null) return module
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = Uint8Array.from(readFileSync(path))
  } catch (cause) {
    throw new Error('dist/wasm/proof.wasm is missing; build it: npm run prepare', { cause })
  }
  module = new WebAssembly.Module(bytes)
  return module
}
