/**
 * Validator sets that a chain's committed blocks have frozen. Their members never change, only who of
 * them is jailed, so each set is read in full once.
 */

import type { World } from '../registry/records.ts'
import type { ValidatorSet } from '../registry/validatorSet.ts'
import type { RegistryRules } from './rules.ts'

/** Sets remembered for one chain; a block asks for two or three epochs'. */
const maxSets = 8

const frozen = new WeakMap<object, Map<number, ValidatorSet>>()

/**
 * The set of `epoch`, from `world`.
 *
 * @param states - names the chain: its store of states.
 * @param world - the state of a committed block of the chain, at which the set is frozen.
 */
export async function frozenSetAt(
  states: object,
  registry: RegistryRules,
  world: World,
  epoch: number,
): Promise<ValidatorSet> {
  const sets = frozen.get(states) ?? new Map<number, ValidatorSet>()
  frozen.set(states, sets)
  const set = await registry.validatorSetAt(world, epoch, sets.get(epoch))
  if (!sets.has(epoch)) sets.set(epoch, set)
  if (sets.size > maxSets) sets.delete(sets.keys().next().value!)
  return set
}
