/**
 * The honest validator that most adversaries are compared with.
 */
import type { Address } from '../../primitives/address.ts'
import { type Conduct, honest } from '../conduct.ts'
import type { Cast } from '../scenario.ts'
import { accountOf, stakeGwei } from '../setting.ts'

/** The adversary's validator, and its further accounts. */
export const me: Address = accountOf(8, 0)
export const mine = (n: number): Address => accountOf(8, n)

/** A validator with an ordinary stake that behaves as `changes` say and is honest otherwise. */
export function validatorWho(changes: Partial<Conduct>): Cast {
  return async ({ sim }) => {
    await sim.addValidator(me, stakeGwei, { ...honest, ...changes })
    return [me]
  }
}

export const honestValidator: Cast = validatorWho({})
