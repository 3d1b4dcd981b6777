/**
 * PyTorch on the same card, if this machine has both.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Row } from './main.ts'

export type TorchCases = {
  readonly steps: readonly {
    readonly name: string
    readonly layers: readonly number[]
    readonly batch: number
    readonly macs: number
  }[]
  /** Sides of square products. */
  readonly products: readonly number[]
}

const script = fileURLToPath(new URL('../scripts/gpuBench/torch_cases.py', import.meta.url))
/** What the script exits with where there is no PyTorch, or no card for it. */
const absent = 3

/** @throws {Error} if PyTorch is there and fails. */
export function runTorch(cases: TorchCases): readonly Row[] {
  const { status, stdout, stderr, error } = spawnSync('python3', [script, JSON.stringify(cases)], {
    encoding: 'utf8',
  })
  if (error !== undefined || status === absent) return []
  if (status !== 0) throw new Error(`PyTorch failed: ${stderr.slice(-1_000)}`)
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
}
