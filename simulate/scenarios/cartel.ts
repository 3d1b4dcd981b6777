import type { Conduct } from '../conduct.ts'
import { honest } from '../conduct.ts'
import type { Cast, Scenario } from '../scenario.ts'
import { honestValidators, stakeGwei } from '../setting.ts'
import { mine } from './validator.ts'

const members = 3
/** Together 30 % of all stake. */
const each = (stakeGwei * BigInt(honestValidators) * 3n) / 7n / BigInt(members)
const keys = Array.from({ length: members }, (_, n) => mine(n))

const together =
  (conduct: Conduct): Cast =>
  async ({ sim }) => {
    for (const key of keys) await sim.addValidator(key, each, conduct)
    return keys
  }

const among = (worker: string) => keys.some((key) => key === worker)

export const cartel: Scenario = {
  name: 'cartel',
  about:
    "three validators with 30 % of the stake take in and vouch for each other only; others' certificates wait a block, and the cartel forgoes the proposer's and the custodians' parts",
  adversary: together({
    ...honest,
    includes: among,
    vouches: (worker) => (among(worker) ? 'fetched' : 'no'),
  }),
  honest: together(honest),
}
