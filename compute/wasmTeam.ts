/**
 * A team: this thread and helpers that run programs together on one shared memory.
 *
 * Helpers sleep on a word of the memory between runs and never return to their event loop, so starting
 * a run costs a notification, not a message.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createMemory, instantiate, loadKernels, pageBytes } from './wasmModule.ts'
import { maxPhases, type RunCounters, runAlone, runTogether, waitChange } from './wasmProgram.ts'

export type Team = {
  readonly memory: WebAssembly.Memory
  readonly threads: number
  /** Run the program at `address`; blocks this thread until it is done. */
  readonly run: (address: number) => void
  readonly close: () => Promise<void>
}

/** What a helper is started with. */
export type HelperData = {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly thread: number
  readonly threads: number
}

/** Threads at most: their scratch has to fit below the first free byte. */
export const maxThreads = 64

// Word indices of the control block. The two sets of counters take turns: while a slow helper still
// looks at those of the last run, this thread clears the others.
const control = 1_024
const runWord = control
const programWord = control + 1
const countersWord: number = control + 16
const scratchByte: number = pageBytes / 2

/** @throws {Error} if the kernels were not built. */
export async function openTeam(threads: number): Promise<Team> {
  const module = loadKernels()
  const memory = createMemory()
  const kernels = instantiate(module, memory, scratchOf(0))
  const words = new Int32Array(memory.buffer, 0, pageBytes / 4)
  const helpers: Worker[] = []
  for (let thread = 1; thread < Math.min(threads, maxThreads); thread++) {
    const workerData: HelperData = {
      module,
      memory,
      thread,
      threads: Math.min(threads, maxThreads),
    }
    helpers.push(new Worker(new URL('./wasmHelper.ts', import.meta.url), { workerData }))
  }
  await Promise.all(helpers.map((helper) => once(helper, 'message')))
  // From here on they block; they must not keep the process alive.
  for (const helper of helpers) helper.unref()
  const size = helpers.length + 1

  function run(address: number): void {
    if (size === 1) {
      runAlone(kernels, wordsOf(memory), address)
      return
    }
    const next = words[runWord]! + 1
    const counters = countersOf(memory, next)
    counters.words.fill(0, counters.claims, counters.claims + 2 * maxPhases)
    words[programWord] = address
    Atomics.store(words, runWord, next)
    Atomics.notify(words, runWord)
    runTogether(kernels, counters, address, size)
  }

  async function close(): Promise<void> {
    await Promise.all(helpers.map((helper) => helper.terminate()))
  }

  return { memory, threads: size, run, close }
}

/** The program of a helper thread: never returns; the team's owner terminates it. */
export function help({ module, memory, thread, threads }: HelperData, ready: () => void): never {
  const kernels = instantiate(module, memory, scratchOf(thread))
  const words = new Int32Array(memory.buffer, 0, pageBytes / 4)
  let run = 0
  ready()
  for (;;) {
    run = nextRun(words, run)
    runTogether(kernels, countersOf(memory, run), words[programWord]! >>> 0, threads)
  }
}

function nextRun(words: Int32Array, last: number): number {
  for (;;) {
    const now = waitChange(words, runWord, last, last + 1)
    if (now !== last) return now
  }
}

function countersOf(memory: WebAssembly.Memory, run: number): RunCounters {
  const claims = countersWord + (run & 1) * 2 * maxPhases
  return { words: wordsOf(memory), claims, arrivals: claims + maxPhases }
}

/** Views of the whole memory are made anew because it may have grown. */
function wordsOf(memory: WebAssembly.Memory): Int32Array {
  return new Int32Array(memory.buffer)
}

function scratchOf(thread: number): number {
  return scratchByte + thread * 256
}
