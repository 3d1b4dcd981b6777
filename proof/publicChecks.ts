/**
 * Checks that need no challenge: batches, losses and the list of saturated weights. Rules P-14, P-15
 * and P-92 of docs/spec/proof.md.
 */
import type { ProofShape } from './parameters.ts'
import { type BatchRows, lossOf, type ProofStatement, type Saturation } from './statement.ts'

export type PublicFault =
  | {
      readonly code: 'proof/batch'
      readonly field: string
      readonly expected: number
      readonly got: number
    }
  | { readonly code: 'proof/feature'; readonly step: number; readonly got: number }
  | {
      readonly code: 'proof/loss'
      readonly step: number
      readonly expected: bigint
      readonly got: bigint
    }
  | { readonly code: 'proof/saturation'; readonly index: number; readonly why: string }

/** Whether every step has its batch of rows, each feature in [−127, 127]. */
export function checkBatches(shape: ProofShape, batches: readonly BatchRows[]): PublicFault | null {
  const { steps, batch, layers } = shape
  const wrong = (field: string, expected: number, got: number) =>
    expected === got ? null : ({ code: 'proof/batch', field, expected, got } as const)
  const amount = wrong('batches', steps.length, batches.length)
  if (amount !== null) return amount
  for (const [step, { count, features, labels }] of batches.entries()) {
    const fault =
      wrong('count', batch, count) ??
      wrong('features', batch * layers[0]!, features.length) ??
      wrong('labels', batch, labels.length)
    if (fault !== null) return fault
    if (features.includes(-128)) return { code: 'proof/feature', step, got: -128 }
  }
  return null
}

/** Whether the chunks add up to the losses that the statement names. */
export function checkLosses(
  shape: ProofShape,
  { losses }: ProofStatement,
  chunks: Uint32Array,
): PublicFault | null {
  if (losses.length !== shape.steps.length)
    return {
      code: 'proof/batch',
      field: 'losses',
      expected: shape.steps.length,
      got: losses.length,
    }
  for (const [step, expected] of losses.entries()) {
    const got = lossOf(shape, chunks, step)
    if (got !== expected) return { code: 'proof/loss', step, expected, got }
  }
  return null
}

/** Whether the list is strictly ascending, of live cells, and each excess within its bound. */
export function checkSaturated(
  shape: ProofShape,
  saturated: readonly Saturation[],
): PublicFault | null {
  for (const [index, entry] of saturated.entries()) {
    const why = wrongEntry(shape, entry) ?? wrongOrder(saturated[index - 1], entry)
    if (why !== null) return { code: 'proof/saturation', index, why }
  }
  return null
}

function wrongEntry(shape: ProofShape, { step, layer, row, col, excess }: Saturation) {
  if (step >= shape.steps.length) return 'step'
  if (layer < 1 || layer > shape.depth) return 'layer'
  if (row >= shape.layers[layer]! || col >= shape.layers[layer - 1]!) return 'dead cell'
  return excess !== 0 && Math.abs(excess) <= shape.excess ? null : 'excess'
}

function wrongOrder(before: Saturation | undefined, entry: Saturation) {
  if (before === undefined) return null
  const keys = ['step', 'layer', 'row', 'col'] as const
  const key = keys.find((name) => before[name] !== entry[name])
  return key !== undefined && before[key] < entry[key] ? null : 'order'
}
