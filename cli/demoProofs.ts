/**
 * What the certificates of the demo's job are proven by: sizes and times, as the nodes know them.
 */
import type { ProofWire } from '../client/wire.ts'
import type { Hash } from '../primitives/hash.ts'
import { bytesText } from './format.ts'
import type { Node } from './rpc.ts'

export type ProofFigures = {
  readonly kind: string
  readonly bytes: number
  /** Milliseconds; null where no node knows. */
  readonly proveMs: number | null
  /** The slowest node's. */
  readonly verifyMs: number | null
  readonly soundnessBits: number | null
}

/** Asks every node: the maker knows how long proving took, the others how long judging did. */
export async function proofFigures(
  nodes: readonly Node[],
  job: Hash,
  range: number,
): Promise<ProofFigures | null> {
  const answers = await Promise.all(
    nodes.map((node) => node.call<ProofWire | null>('train_getProof', job, range)),
  )
  const known = answers.filter((answer) => answer !== null)
  const [first] = known
  if (first === undefined) return null
  const largest = (values: readonly (string | null)[]): number | null => {
    const found = values.filter((value) => value !== null).map(Number)
    return found.length === 0 ? null : Math.max(...found)
  }
  return {
    kind: first.kind,
    bytes: Number(first.size),
    proveMs: largest(known.map(({ proveMs }) => proveMs)),
    verifyMs: largest(known.map(({ verifyMs }) => verifyMs)),
    soundnessBits: first.soundnessBits === null ? null : Number(first.soundnessBits),
  }
}

/** Sizes and times of one proof, short enough for a line. */
export function proofText({ bytes, proveMs, verifyMs }: ProofFigures): string {
  const proven = proveMs === null ? '' : ` in ${(proveMs / 1_000).toFixed(1)} s`
  const verified = verifyMs === null ? '' : `, verified in ${verifyMs} ms`
  return `proof ${bytesText(bytes)}${proven}${verified}`
}

/** The middle of all that is known; null if nothing is. */
export function median(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).toSorted((a, b) => a - b)
  return known[Math.floor(known.length / 2)] ?? null
}
