/**
 * From a solved grid to the chain's verdict: proving in this browser, then asking.
 */
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { moduleAddresses } from '../../../params/protocol.ts'
import { toHex } from '../../../primitives/bytes.ts'
import { type Grid, packGrid } from '../../../zk/sudoku.ts'
import { shortHex } from '../format.ts'
import { Card, Facts, Progress } from '../ui/parts.tsx'
import { askChain, sudokuKey } from './askChain.ts'
import type { Made, SudokuOrder, SudokuReport } from './worker.ts'

type State =
  | { readonly at: 'idle' }
  | { readonly at: 'working'; readonly doing: string; readonly part: number }
  | { readonly at: 'proven'; readonly made: Made }
  | { readonly at: 'failed'; readonly why: string }

export function ProofCard({
  puzzle,
  solution,
}: {
  readonly puzzle: Grid
  /** Null: not solved yet. */
  readonly solution: Grid | null
}): VNode {
  const [state, setState] = useState<State>({ at: 'idle' })
  const worker = useRef<Worker | null>(null)
  useEffect(() => () => worker.current?.terminate(), [])

  const start = () => {
    if (solution === null) return
    worker.current?.terminate()
    const made = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
    worker.current = made
    setState({ at: 'working', doing: 'fetching', part: 0 })
    made.onmessage = ({ data }: MessageEvent<SudokuReport>) => setState(stateOf(data))
    made.onerror = () => setState({ at: 'failed', why: 'the prover crashed' })
    made.postMessage({ puzzle, solution } satisfies SudokuOrder)
  }
  return (
    <Card title="Prove it">
      <div class="stack tight">
        <p class="soft small">
          Your browser proves that you hold a solution of this puzzle. The solution stays here: the
          chain sees the puzzle and 256 bytes that tell nothing more.
        </p>
        <div>
          <button
            type="button"
            class="button primary"
            onClick={start}
            disabled={solution === null || state.at === 'working'}
          >
            {state.at === 'working' ? 'Proving…' : 'Prove in this browser'}
          </button>
        </div>
        {state.at === 'working' && (
          <div class="stack tight">
            <Progress part={state.part} label={`${state.doing} the proof`} />
            <p class="soft small">
              {state.doing === 'fetching' ? 'Fetching the circuit and its key' : 'Proving'}
            </p>
          </div>
        )}
        <div aria-live="polite">
          {state.at === 'failed' && (
            <p class="verdict" data-tone="bad" data-verdict="broken">
              No proof: {state.why}
            </p>
          )}
          {state.at === 'proven' && <Proof puzzle={puzzle} made={state.made} />}
        </div>
      </div>
    </Card>
  )
}

function stateOf(report: SudokuReport): State {
  switch (report.type) {
    case 'progress':
      return { at: 'working', doing: report.doing, part: report.fraction }
    case 'verdict':
      return report.verdict.ok
        ? { at: 'proven', made: report.verdict.value }
        : { at: 'failed', why: report.verdict.fault.why }
    case 'broken':
      return { at: 'failed', why: report.why }
    default:
      return report satisfies never
  }
}

function KeyNote(): VNode {
  return (
    <>
      <span class="mono">{shortHex(sudokuKey, 6)}</span>{' '}
      <span class="soft small">for trying out: everybody knows its secrets and could forge</span>
    </>
  )
}

type Verdict = { readonly of: 'this' | 'another'; readonly fault: string } | null

function Proof({ puzzle, made }: { readonly puzzle: Grid; readonly made: Made }): VNode {
  const [verdict, setVerdict] = useState<Verdict>(null)
  const ask = (of: 'this' | 'another') => {
    const asked = of === 'this' ? puzzle : oneGivenFewer(puzzle)
    setVerdict(null)
    askChain(packGrid(asked), made.proof).then(
      (fault) => setVerdict({ of, fault }),
      (error: unknown) =>
        setVerdict({ of, fault: error instanceof Error ? error.message : String(error) }),
    )
  }
  useEffect(() => ask('this'), [made])
  return (
    <div class="stack tight">
      <Facts
        facts={[
          ['proof', <span class="mono">{shortHex(toHex(made.proof), 12)}</span>],
          ['size', `${made.proof.length} bytes`],
          ['proved in', `${(made.tookMs / 1_000).toFixed(1)} s`],
          ['judge', <a href={`/address/${moduleAddresses.verifiers}`}>Verifiers</a>],
          ['key', <KeyNote />],
        ]}
      />
      {verdict === null ? <p class="soft">Asking the chain…</p> : <Outcome {...verdict} />}
      <div>
        <button type="button" class="button" onClick={() => ask('another')}>
          Ask about another puzzle
        </button>
      </div>
    </div>
  )
}

function Outcome({ of, fault }: NonNullable<Verdict>): VNode {
  if (fault === '')
    return (
      <p class="verdict" data-tone="good" data-verdict="true">
        The chain has verified it: somebody here can solve this puzzle. It does not know how.
      </p>
    )
  return (
    <p class="verdict" data-tone="bad" data-verdict="false">
      {of === 'another'
        ? `The chain refuses the same proof for a puzzle that shows one digit less: ${fault}`
        : fault === 'verifiers/unknown'
          ? 'This chain does not know the key that these pages prove under.'
          : `The chain refuses it: ${fault}`}
    </p>
  )
}

/** Solved by the same grid, and yet another statement. */
function oneGivenFewer(puzzle: Grid): Grid {
  return puzzle.with(
    puzzle.findIndex((digit) => digit !== 0),
    0,
  )
}
