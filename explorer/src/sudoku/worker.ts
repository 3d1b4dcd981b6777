/**
 * Proving away from the page. The compiled circuit and its proving key come from the node; the solution
 * goes nowhere.
 */
import { ok, type Result } from '../../../primitives/result.ts'
import { type Proven, proveHere, type WitnessFault } from '../../../zk/proveHere.ts'
import { type Grid, sudokuInput } from '../../../zk/sudoku.ts'

export type SudokuOrder = { readonly puzzle: Grid; readonly solution: Grid }

export type SudokuReport =
  | { readonly type: 'progress'; readonly doing: 'fetching' | 'proving'; readonly fraction: number }
  | { readonly type: 'verdict'; readonly verdict: Result<Made, WitnessFault> }
  | { readonly type: 'broken'; readonly why: string }

/** A proof and how long it took, fetching left out. */
export type Made = Proven & { readonly tookMs: number }

const files = [
  new URL('../../../dist/zk/pages/sudoku.wasm', import.meta.url),
  new URL('../../../dist/zk/pages/sudoku.zkey', import.meta.url),
] as const

const tell = (report: SudokuReport) => postMessage(report)

async function fetched(url: URL): Promise<Uint8Array> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`the node answers ${response.status} for ${url.pathname}`)
  return new Uint8Array(await response.arrayBuffer())
}

async function carryOut({ puzzle, solution }: SudokuOrder): Promise<Result<Made, WitnessFault>> {
  tell({ type: 'progress', doing: 'fetching', fraction: 0 })
  const [wasm, zkey] = await Promise.all(files.map(fetched))
  const started = performance.now()
  const progress = (fraction: number) => tell({ type: 'progress', doing: 'proving', fraction })
  progress(0.05)
  const task = {
    protocol: 'groth16',
    wasm: wasm!,
    zkey: zkey!,
    input: sudokuInput(puzzle, solution),
  } as const
  const proven = await proveHere(task, { progress, singleThread: true })
  const tookMs = Math.round(performance.now() - started)
  return proven.ok ? ok({ ...proven.value, tookMs }) : proven
}

addEventListener('message', ({ data }: MessageEvent<SudokuOrder>) => {
  carryOut(data).then(
    (verdict) => tell({ type: 'verdict', verdict }),
    (error: unknown) =>
      tell({ type: 'broken', why: error instanceof Error ? error.message : String(error) }),
  )
})
