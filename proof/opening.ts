/**
 * Public steps of the opening that prover and verifier both take: challenges of each class, and
 * positions. Rules P-75 to P-79 of docs/spec/proof.md.
 */
import { type Elements, span } from './extension.ts'
import type { ProofShape, RowClass } from './parameters.ts'
import { ceilLog2 } from './security.ts'
import type { Transcript } from './transcript.ts'

/** `η` of each class: a coordinate for each bit of its number of columns. */
export function drawEtas({ classes }: ProofShape, transcript: Transcript): readonly Elements[] {
  const amounts = classes.map(({ trees }) =>
    ceilLog2(trees.reduce((sum, { columns }) => sum + columns.length, 0)),
  )
  const total = amounts.reduce((sum, n) => sum + n, 0)
  const drawn = transcript.draw('eta', total)
  let end = 0
  return amounts.map((amount) => {
    end += amount
    return span(drawn, end - amount, end)
  })
}

/** `r*` for the variables of the class's largest column. */
export function classPoint({ trees }: RowClass, point: Elements): Elements {
  const variables = trees.flatMap(({ columns }) => columns.map((column) => column.variables))
  return span(point, 0, Math.max(...variables))
}

/** Positions to open in each class, ascending, each once. Every tree of a class opens the same. */
export function drawDistinct(
  { classes }: ProofShape,
  transcript: Transcript,
): readonly (readonly number[])[] {
  const wanted = classes.map(({ layout }) => ({
    amount: layout.queries,
    size: layout.code.length,
  }))
  return transcript
    .drawPositions('positions', wanted)
    .map((positions) => [...new Set(positions)].toSorted((a, b) => a - b))
}
