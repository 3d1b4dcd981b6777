/**
 * Regions of a team's memory, handed out first fit and given back whole.
 */
import { invariant } from '../primitives/result.ts'
import { firstFree, pageBytes } from './wasmModule.ts'

/** Cache lines: no two buffers share one. */
const alignment = 64

export type Heap = {
  /** @throws {Error} if the memory may not grow as far. */
  readonly take: (bytes: number) => number
  readonly give: (address: number) => void
}

export function createHeap(memory: WebAssembly.Memory): Heap {
  /** Taken regions by ascending address. */
  const taken: { readonly from: number; readonly to: number }[] = []

  function take(bytes: number): number {
    const size = Math.ceil(bytes / alignment) * alignment
    let from = firstFree
    let place = 0
    for (; place < taken.length && taken[place]!.from - from < size; place++)
      from = taken[place]!.to
    reserve(memory, from + size)
    taken.splice(place, 0, { from, to: from + size })
    return from
  }

  function give(address: number): void {
    const place = taken.findIndex(({ from }) => from === address)
    invariant(place !== -1, `heap: nothing was taken at ${address}`)
    taken.splice(place, 1)
  }

  return { take, give }
}

function reserve(memory: WebAssembly.Memory, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes)
  if (missing <= 0) return
  try {
    memory.grow(missing)
  } catch (cause) {
    const mebibytes = Math.ceil(bytes / 1_048_576)
    throw new Error(`the model needs ${mebibytes} MiB; WebAssembly has at most 4,096`, { cause })
  }
}

/** Hands out consecutive addresses; `size` says how much they take together. */
export type Layout = { readonly place: (bytes: number) => number; readonly size: () => number }

/** Addresses are relative to the start of a region to be taken. */
export function createLayout(): Layout {
  let next = 0
  return {
    place(bytes) {
      const at = next
      next += Math.ceil(bytes / alignment) * alignment
      return at
    },
    size: () => next,
  }
}
