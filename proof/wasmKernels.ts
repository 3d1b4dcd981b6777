/**
 * The compiled kernels where Node runs: read from the build, with the platform's SHA-256.
 */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { kernelsOn } from './arenaKernels.ts'
import type { Kernels } from './kernels.ts'
import { arenaMemory, exportsOf, openArena, type ProofExports } from './wasmArena.ts'

const path = new URL('../dist/wasm/proof.wasm', import.meta.url)

/** On this thread. @throws {Error} if the kernels were not built; it says how to build them. */
export function openWasmKernels(): Kernels {
  const memory = arenaMemory()
  return kernelsIn(memory, exportsOf(instanceOn(memory)))
}

/** Kernels of these exports, which work on that memory. */
export function kernelsIn(memory: WebAssembly.Memory, exports: ProofExports): Kernels {
  return kernelsOn(openArena(memory, exports), (bytes) => hash('sha256', bytes, 'buffer'))
}

export function instanceOn(memory: WebAssembly.Memory): WebAssembly.Instance {
  return new WebAssembly.Instance(compiled(), { env: { memory } })
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
