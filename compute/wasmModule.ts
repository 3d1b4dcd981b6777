/**
 * The compiled kernels of `assembly/train`, and the memory they work on.
 */
import { readFileSync } from 'node:fs'

/** Kernels by name; each takes the address of its phase's fields and a range of units. */
export type Kernels = Readonly<
  Record<KernelName, (phase: number, begin: number, end: number) => void>
>

/** In the order of their codes in a program. */
export const kernelNames = [
  'pack',
  'product',
  'forward',
  'outputError',
  'backward',
  'update',
] as const
export type KernelName = (typeof kernelNames)[number]

/** Bytes of a page of WebAssembly memory. */
export const pageBytes = 65_536
const initialPages = 16
const maxPages = 65_536

/** Below this the memory belongs to a team's control block and scratch. */
export const firstFree: number = 1 * pageBytes

const path = new URL('../dist/wasm/train.wasm', import.meta.url)

/** @throws {Error} if the kernels were not built; it says how to build them. */
export function loadKernels(): WebAssembly.Module {
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = Uint8Array.from(readFileSync(path))
  } catch (cause) {
    throw new Error('dist/wasm/train.wasm is missing; build it: npm run prepare', { cause })
  }
  return new WebAssembly.Module(bytes)
}

/** Shared between threads; grows up to 4 GiB as sessions are opened. */
export function createMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: initialPages, maximum: maxPages, shared: true })
}

/** The kernels for one thread. */
export function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  scratch: number,
): Kernels {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const kernels = exports as Kernels & { readonly setScratch: (address: number) => void }
  kernels.setScratch(scratch)
  return kernels
}
