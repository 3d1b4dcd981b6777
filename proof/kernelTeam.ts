/**
 * The kernels on several threads: this one and helpers on one shared memory. Big calls are cut into parts;
 * the results are the same to the bit. Helpers sleep on a word of the memory between calls.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { waitChange } from '../primitives/waitChange.ts'
import { addMod } from './babyBear.ts'
import { partsOf, type SplitKernel, splitKernels, summing } from './kernelSplit.ts'
import type { Kernels } from './kernels.ts'
import { arenaMemory, exportsOf, maxThreads, type ProofExports } from './wasmArena.ts'
import { instanceOn, kernelsIn } from './wasmKernels.ts'

export type KernelTeam = {
  /** Block this thread while they compute. */
  readonly kernels: Kernels
  readonly close: () => Promise<void>
}

/** What a helper is started with. */
export type HelperData = { readonly memory: WebAssembly.Memory; readonly thread: number }

// Words of the first page, which memory growth does not move.
const callWord = 4096
const doneWord = 4112
const commandsAt = 4128
const commandWords = 16
/** Sums of each thread, in words: room for three elements. */
const sumsAt = 5120
const sumWords = 16

/** Work below which waking another thread costs more than it brings, in elements. */
const worthSharing = 4096

/**
 * @param threads - this one included; at most 16. @param shareFrom - elements of work from which a call is
 * shared.
 *
 * @throws {Error} if the kernels were not built.
 */
export async function openKernelTeam(
  threads: number,
  shareFrom: number = worthSharing,
): Promise<KernelTeam> {
  const memory = arenaMemory()
  const own = exportsOf(instanceOn(memory))
  const helpers = Array.from({ length: Math.min(threads, maxThreads) - 1 }, (_, i) => {
    const workerData: HelperData = { memory, thread: i + 1 }
    return new Worker(new URL('./kernelHelper.ts', import.meta.url), { workerData })
  })
  await Promise.all(helpers.map((helper) => once(helper, 'message')))
  // From here on they block; they must not keep the process alive.
  for (const helper of helpers) helper.unref()
  const close = async () => {
    await Promise.all(helpers.map((helper) => helper.terminate()))
  }
  if (helpers.length === 0) return { kernels: kernelsIn(memory, own), close }
  const shared = sharing(own, memory, helpers.length + 1, shareFrom)
  return { kernels: kernelsIn(memory, shared, helpers.length + 1), close }
}

/** The first page; a view of it outlives the memory's growth. */
function controlWords(memory: WebAssembly.Memory): Int32Array {
  return new Int32Array(memory.buffer, 0, 16_384)
}

/** The kernels, each of which gives parts of large calls to the helpers. */
function sharing(
  own: ProofExports,
  memory: WebAssembly.Memory,
  threads: number,
  shareFrom: number,
): ProofExports {
  const words = controlWords(memory)
  const shared = splitKernels.map((name, number) => [
    name,
    (...args: number[]) => {
      const parts = partsOf(name, args, threads, shareFrom)
      if (parts.length === 1) return callOf(own, name)(...args)
      command(words, number, parts, threads)
      callOf(own, name)(...parts[0]!)
      awaitHelpers(words, threads - 1)
      if (summing.has(name)) addSums(memory, args[0]!, parts.length)
      return undefined
    },
  ])
  return { ...own, ...Object.fromEntries(shared) }
}

/** Gives each helper its part, or none, and wakes them. */
function command(
  words: Int32Array,
  number: number,
  parts: readonly (readonly number[])[],
  threads: number,
): void {
  const sums = summing.has(splitKernels[number]!)
  for (let thread = 1; thread < threads; thread++) {
    const part = parts[thread]
    const at = commandsAt + thread * commandWords
    words[at] = part === undefined ? -1 : number
    words.set(part ?? [], at + 1)
    if (sums) words[at + 1] = 4 * (sumsAt + thread * sumWords)
  }
  Atomics.store(words, doneWord, 0)
  Atomics.add(words, callWord, 1)
  Atomics.notify(words, callWord)
}

function callOf(exports: ProofExports, name: SplitKernel): (...args: readonly number[]) => void {
  return exports[name] as (...args: readonly number[]) => void
}

/** Looks this often before it sleeps. */
const spins = 20_000

function awaitHelpers(words: Int32Array, helpers: number): void {
  let done = Atomics.load(words, doneWord)
  while (done !== helpers) done = waitChange(words, doneWord, done, spins)
}

/** Adds the sums of parts 1, 2, … to those at `address`. */
function addSums({ buffer }: WebAssembly.Memory, address: number, parts: number): void {
  const all = new Int32Array(buffer)
  const to = address / 4
  for (let part = 1; part < parts; part++)
    for (let i = 0; i < sumWords; i++)
      all[to + i] = addMod(all[to + i]!, all[sumsAt + part * sumWords + i]!)
}

/** The life of a helper: it never returns; the team's owner terminates it. */
export function help({ memory, thread }: HelperData, ready: () => void): never {
  const exports = exportsOf(instanceOn(memory), thread)
  const words = controlWords(memory)
  const at = commandsAt + thread * commandWords
  let seen = Atomics.load(words, callWord)
  ready()
  for (;;) {
    seen = waitChange(words, callWord, seen, spins)
    const name = splitKernels[words[at]!]
    if (name !== undefined) callOf(exports, name)(...words.subarray(at + 1, at + commandWords))
    Atomics.add(words, doneWord, 1)
    Atomics.notify(words, doneWord)
  }
}
