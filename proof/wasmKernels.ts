/**
 * The compiled kernels where Node runs: read from the build, with the platform's SHA-256.
 */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { kernelsOn } from './arenaKernels.ts'
import type { Kernels } from './kernels.ts'
import { hashColumns } from './ligero.ts'
import { arenaMemory, exportsOf, openArena, type ProofExports } from './wasmArena.ts'

const path = new URL('../dist/wasm/proof.wasm', import.meta.url)

/** On this thread. @throws {Error} if the kernels were not built; it says how to build them. */
export function openWasmKernels(): Kernels {
  const memory = arenaMemory()
  return kernelsIn(memory, exportsOf(instanceOn(memory)))
}

/** Columns of so many words are hashed quicker by the platform, which has instructions for it, than by one thread. */
const longColumn = 128

/** Kernels of these exports, which work on that memory and share calls among that many threads. */
export function kernelsIn(memory: WebAssembly.Memory, exports: ProofExports, threads = 1): Kernels {
  const platform = (bytes: Uint8Array) => hash('sha256', bytes, 'buffer')
  const compiled = kernelsOn(openArena(memory, exports), platform)
  if (threads > 1) return compiled
  return {
    ...compiled,
    hashColumns: (code, rows, length, stride) =>
      rows < longColumn
        ? compiled.hashColumns(code, rows, length, stride)
        : hashColumns(code, rows, length, stride, platform),
  }
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
