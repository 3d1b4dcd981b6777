/**
 * Commitments to lists, as `circuits/lib/commit.circom` computes them.
 */
import { poseidon } from '../primitives/poseidon.ts'

/**
 * Poseidon in a chain of sixteen-input calls, fifteen new values each, zeros at the end. `domain` tells
 * roles apart; the length is the circuit's, so lists of different lengths never meet.
 */
export function commit(values: readonly bigint[], domain: bigint): bigint {
  let digest = domain
  for (let at = 0; at < values.length; at += 15) {
    const part = values.slice(at, at + 15)
    digest = poseidon([digest, ...part, ...new Array<bigint>(15 - part.length).fill(0n)])
  }
  return digest
}
