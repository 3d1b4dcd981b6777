/**
 * A team: this thread and helpers that run programs together on one shared memory.
 *
 * Helpers sleep on a word of the memory between runs and never return to their event loop, so starting
 * a run costs a notification, not a message.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { invariant } from '../primitives/result.ts'
import { waitChange } from '../primitives/waitChange.ts'
import { createMemory, instantiate, loadKernels, pageBytes } from './wasmModule.ts'
import {
  maxPhases,
  maxProgramWords,
  type Program,
  type RunCounters,
  runAlone,
  runTogether,
} from './wasmProgram.ts'

export type Team = {
  readonly memory: WebAssembly.Memory
  /** Threads that a program of so many multiply-accumulates is worth. */
  readonly threadsFor: (macs: number) => number
  /** Run a program on all threads, or on this one; blocks it until the program is done. */
  readonly run: (program: Program, threads: number) => void
  readonly close: () => Promise<void>
}

export type TeamOptions = {
  /** This thread included; at most 64. */
  readonly threads: number
  /** Multiply-accumulates from which a program is shared. @default 2^25 */
  readonly shareFrom?: number | undefined
}

/** What a helper is started with. */
export type HelperData = {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly thread: number
  readonly threads: number
}

/**
 * Multiply-accumulates of a program below which meetings between its phases cost more than a second
 * thread brings: about a millisecond of one thread.
 */
const worthSharing = 2 ** 25

/** Their scratch has to fit below the first free byte. */
const maxThreads = 64

// Word indices of the control block, all in the first page: a helper's view of the memory need not
// follow its growth. The two sets of counters take turns: while a slow helper still looks at those of
// the last run, this thread clears the others.
const runWord = 1_024
const countersWord = 1_040
const programStart = 4_096
const scratchByte = 32_768

/** @throws {Error} if the kernels were not built. */
export async function openTeam({ threads, shareFrom = worthSharing }: TeamOptions): Promise<Team> {
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

  function run(program: Program, wanted: number): void {
    invariant(program.length <= maxProgramWords, `team: a program of ${program.length} words`)
    words.set(program, programStart)
    if (size === 1 || wanted === 1) {
      runAlone(kernels, words, programStart)
      return
    }
    const next = words[runWord]! + 1
    const counters = countersOf(words, next)
    words.fill(0, counters.claims, counters.claims + 2 * maxPhases)
    Atomics.store(words, runWord, next)
    Atomics.notify(words, runWord)
    runTogether(kernels, counters, programStart, size)
  }

  async function close(): Promise<void> {
    await Promise.all(helpers.map((helper) => helper.terminate()))
  }

  return { memory, threadsFor: (macs) => (macs < shareFrom ? 1 : size), run, close }
}

/** The program of a helper thread: never returns; the team's owner terminates it. */
export function help({ module, memory, thread, threads }: HelperData, ready: () => void): never {
  const kernels = instantiate(module, memory, scratchOf(thread))
  const words = new Int32Array(memory.buffer, 0, pageBytes / 4)
  let run = 0
  ready()
  for (;;) {
    run = waitChange(words, runWord, run)
    runTogether(kernels, countersOf(words, run), programStart, threads)
  }
}

function countersOf(words: Int32Array, run: number): RunCounters {
  const claims = countersWord + (run & 1) * 2 * maxPhases
  return { words, claims, arrivals: claims + maxPhases }
}

function scratchOf(thread: number): number {
  return scratchByte + thread * 256
}
