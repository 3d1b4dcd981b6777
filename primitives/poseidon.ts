/**
 * Poseidon over BN254's scalars, with circomlib's parameters: the hash that circuits compute cheaply.
 * Constants come from the paper's generator, not from a table.
 *
 * @see Grassi, Khovratovich, Rechberger, Roy, Schofnegger, eprint 2019/458
 */
import { grainGenConstants, poseidon as permutation } from '@noble/curves/abstract/poseidon.js'
import { bn254 } from '@noble/curves/bn254.js'
import { invariant } from './result.ts'

/** Order of the field: inputs and digests lie below it. */
export const poseidonOrder: bigint = bn254.fields.Fr.ORDER

/** Partial rounds for 1 to 16 inputs: 128 bits against algebraic attacks. */
const partialRounds = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68] as const
const fullRounds = 8

/** Digest of 1 to 16 numbers below {@link poseidonOrder}; each count is a function of its own. */
export function poseidon(inputs: readonly bigint[]): bigint {
  return permutationOf(inputs.length)([0n, ...inputs])[0]!
}

type Permutation = ReturnType<typeof permutation>

const permutations = new Map<number, Permutation>()

function permutationOf(inputs: number): Permutation {
  const known = permutations.get(inputs)
  if (known !== undefined) return known
  const roundsPartial = partialRounds[inputs - 1]
  invariant(roundsPartial !== undefined, `poseidon: ${inputs} inputs`)
  const options = {
    Fp: bn254.fields.Fr,
    t: inputs + 1,
    roundsFull: fullRounds,
    roundsPartial,
    sboxPower: 5,
  }
  const made = permutation({ ...options, ...grainGenConstants(options) })
  permutations.set(inputs, made)
  return made
}
