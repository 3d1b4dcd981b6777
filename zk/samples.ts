/**
 * One true statement for each circuit: for benchmarks, tests and `waggle zk prove CIRCUIT sample`.
 */
import { utf8ToBytes } from '../primitives/bytes.ts'
import { hashOf, hashToUint } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import type { CircuitInput, CircuitName } from './circuits.ts'
import { type CredentialRow, credentialInput, rowKey } from './credential.ts'
import { memberCommitment, memberSecret, membershipInput, pathOf } from './membership.ts'
import { modelShape, type PrivateModel, predictionInput } from './prediction.ts'
import { type Grid, parseGrid, sudokuInput } from './sudoku.ts'

export const samplePuzzle: Grid = gridOf(
  '53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79',
)
export const sampleSolution: Grid = gridOf(
  '534678912672195348198342567859761423426853791713924856961537284287419635345286179',
)

export const sampleSecrets: readonly bigint[] = ['ada', 'bob', 'cyd'].map((name) =>
  memberSecret(hashOf('waggle/sample/member', utf8ToBytes(name))),
)

export const sampleModel: PrivateModel = {
  weights1: int8s('weights 1', modelShape.hidden * modelShape.inputs),
  weights2: int8s('weights 2', modelShape.outputs * modelShape.hidden),
  shifts: [7, 8],
  salt: 123_456_789n,
}
export const sampleExample: readonly number[] = int8s('example', modelShape.inputs)

export const sampleRows: readonly CredentialRow[] = Array.from({ length: 20 }, (_, i) => ({
  key: rowKey(Uint8Array.of(i, 1, 2)),
  label: [3, 5, 65_535][i % 3]!,
}))

export function sampleInput(circuit: CircuitName): CircuitInput {
  switch (circuit) {
    case 'sudoku':
      return sudokuInput(samplePuzzle, sampleSolution)
    case 'membership': {
      const path = pathOf(sampleSecrets.map(memberCommitment), 1)
      return membershipInput(sampleSecrets[1]!, path, 77n, 99n)
    }
    case 'private-prediction':
      return predictionInput(sampleModel, sampleExample, 5n)
    case 'data-credential': {
      const record = sampleRows[7]!.key
      const claim = { least: 18, labels: [3, 5, 65_535], record, included: true }
      const input = credentialInput(sampleRows, 42n, claim, 0n)
      invariant(input.ok, 'the sample claim is true')
      return input.value
    }
    default:
      return circuit satisfies never
  }
}

function gridOf(text: string): Grid {
  const grid = parseGrid(text)
  invariant(grid.ok, 'the sample grid is one')
  return grid.value
}

/** `count` numbers in −127..127 that follow from `name`. */
function int8s(name: string, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => {
    const digest = hashOf('waggle/sample/number', utf8ToBytes(`${name} ${i}`))
    return Number(hashToUint(digest) % 255n) - 127
  })
}
