/**
 * A program: the phases of a step as plain words in the shared memory, run by every thread of a team
 * together. Threads claim chunks of a phase's units until none are left, then meet before the next.
 */
import { invariant } from '../primitives/result.ts'
import { waitChange } from '../primitives/waitChange.ts'
import { type KernelName, type Kernels, kernelNames } from './wasmModule.ts'

export type Phase = {
  readonly kernel: KernelName
  /** Independent pieces of the phase. */
  readonly units: number
  /** Units claimed at once: as many as share an operand well. */
  readonly chunk: number
  /** Addresses and numbers, in the order the kernel documents. */
  readonly fields: readonly number[]
}

/** Phases of the longest program: 3 for each of 32 layers, and a few around them. */
export const maxPhases = 128

/** Words of a phase: kernel, units, chunk, then fields. */
const phaseWords = 16
const fieldsAt = 3

/** A program as words: the number of phases, then the phases. */
export type Program = Int32Array

/** Words of the longest program. */
export const maxProgramWords: number = 1 + maxPhases * phaseWords

export function encodeProgram(phases: readonly Phase[]): Program {
  invariant(phases.length <= maxPhases, `encodeProgram: ${phases.length} phases`)
  const words = new Int32Array(1 + phases.length * phaseWords)
  words[0] = phases.length
  for (const [i, { kernel, units, chunk, fields }] of phases.entries())
    words.set([kernelNames.indexOf(kernel), units, chunk, ...fields], 1 + i * phaseWords)
  return words
}

/** Counters of a run, one of each kind per phase; zero before the run. */
export type RunCounters = {
  readonly words: Int32Array
  /** Word index of the next unclaimed unit of phase 0. */
  readonly claims: number
  /** Word index of the number of threads that finished phase 0. */
  readonly arrivals: number
}

/** Run the program at word `start` of the shared memory alone. */
export function runAlone(kernels: Kernels, words: Int32Array, start: number): void {
  const count = words[start]!
  for (let i = 0; i < count; i++) {
    const at = start + 1 + i * phaseWords
    const kernel = kernels[kernelNames[words[at]!]!]
    const units = words[at + 1]!
    const chunk = words[at + 2]!
    for (let begin = 0; begin < units; begin += chunk)
      kernel((at + fieldsAt) * 4, begin, Math.min(begin + chunk, units))
  }
}

/** This thread's part of a run by `threads` threads. Blocks until all have finished the last phase. */
export function runTogether(
  kernels: Kernels,
  { words, claims, arrivals }: RunCounters,
  start: number,
  threads: number,
): void {
  const count = words[start]!
  for (let i = 0; i < count; i++) {
    const at = start + 1 + i * phaseWords
    const kernel = kernels[kernelNames[words[at]!]!]
    const units = words[at + 1]!
    const chunk = words[at + 2]!
    for (;;) {
      const begin = Atomics.add(words, claims + i, chunk)
      if (begin >= units) break
      kernel((at + fieldsAt) * 4, begin, Math.min(begin + chunk, units))
    }
    meet(words, arrivals + i, threads)
  }
}

/** Wait until `threads` threads have come here. */
function meet(words: Int32Array, counter: number, threads: number): void {
  if (Atomics.add(words, counter, 1) === threads - 1) {
    Atomics.notify(words, counter)
    return
  }
  let arrived = Atomics.load(words, counter)
  while (arrived !== threads) arrived = waitChange(words, counter, arrived)
}
