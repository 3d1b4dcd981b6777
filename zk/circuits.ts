/**
 * The circuits: where their sources are, how they are compiled and what their public numbers mean.
 */
import type { Protocol } from './verifier.ts'

export const circuitNames = [
  'sudoku',
  'membership',
  'private-prediction',
  'data-credential',
] as const

export type CircuitName = (typeof circuitNames)[number]

export type Circuit = {
  /** Base name of the source in `circuits/`. */
  readonly source: string
  readonly summary: string
  /** Names of the public numbers, in the order of proofs. */
  readonly publics: readonly string[]
  readonly protocols: readonly Protocol[]
  /**
   * circom's level of simplification. 2 removes every linear constraint, which is best for Groth16;
   * PLONK pays for each term of a sum, so it wants the shorter sums of level 1.
   */
  readonly simplification: 1 | 2
}

export const circuits: Readonly<Record<CircuitName, Circuit>> = {
  sudoku: {
    source: 'sudoku',
    summary: 'a solution of this puzzle is known',
    publics: ['puzzle[0]', 'puzzle[1]'],
    protocols: ['groth16', 'plonk'],
    simplification: 1,
  },
  membership: {
    source: 'membership',
    summary: 'a member of this group says this, once in this topic',
    publics: ['root', 'nullifier', 'topic', 'message'],
    protocols: ['groth16'],
    simplification: 2,
  },
  'private-prediction': {
    source: 'privatePrediction',
    summary: 'the committed model gives this output for this example',
    publics: ['model', 'example', 'prediction'],
    protocols: ['groth16'],
    simplification: 2,
  },
  'data-credential': {
    source: 'dataCredential',
    summary: 'the committed dataset has these rows, labels and records',
    publics: [
      ...['dataset', 'record', 'least'],
      ...Array.from({ length: 8 }, (_, i) => `labels[${i}]`),
      'included',
    ],
    protocols: ['groth16'],
    simplification: 2,
  },
}

/** What a circuit is given: numbers by the name of its signal. */
export type CircuitInput = Readonly<
  Record<string, bigint | readonly bigint[] | readonly (readonly bigint[])[]>
>
