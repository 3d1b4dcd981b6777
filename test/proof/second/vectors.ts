/** What the files of docs/spec/vectors hold. Hex of bytes, base64 of whole proofs, numbers below p. */
import type { Batch, Statement } from './verify.ts'

export type Words = readonly number[]

/** Every message and draw of one transcript, in order. */
export type TranscriptVector = readonly (
  | { readonly absorb: string; readonly kind: 'bytes'; readonly data: string }
  | { readonly absorb: string; readonly kind: 'elements'; readonly data: readonly Words[] }
  | { readonly draw: readonly Words[] }
  | { readonly positions: Words; readonly size: number; readonly amount: number }
)[]

/** A batch of two sums of products, the second with fewer variables; P-46 to P-48. */
export type SumcheckVector = {
  readonly degree: number
  readonly rounds: number
  readonly sums: readonly {
    readonly coefficient: Words
    readonly variables: number
    /** Each factor's values, missing ones 0. */
    readonly factors: readonly (readonly Words[])[]
  }[]
  readonly claim: Words
  readonly challenges: readonly Words[]
  /** `degree` values a round. */
  readonly messages: readonly Words[]
  readonly endClaim: Words
}

/** The tree of one state, and an opening of it; P-30 to P-37. */
export type CommitmentVector = {
  readonly job: string
  /** Stored integers of `w_1, ρ_1, …`, row-major. */
  readonly columns: readonly Words[]
  readonly layout: Readonly<Record<'g' | 'stride' | 'strideBits' | 'l' | 'N' | 'q', number>>
  readonly leaves: readonly string[]
  readonly root: string
  readonly name: string
  readonly positions: Words
  /** By position, then row. */
  readonly opened: readonly Words[]
  readonly siblings: readonly string[]
}

export type ProofVector = {
  readonly name: string
  readonly statement: Statement
  readonly batches: readonly Batch[]
  /** Base64. */
  readonly proof: string
}
