import { honest } from '../conduct.ts'
import type { Scenario } from '../scenario.ts'
import { stakeGwei } from '../setting.ts'
import { honestValidator, mine } from './validator.ts'

const parts = 4

export const sybilSplitter: Scenario = {
  name: 'sybil-splitter',
  about:
    'splits one stake over four keys; draws, slots and power follow the stake, so it only pays for four nodes',
  adversary: async ({ sim }) => {
    const keys = Array.from({ length: parts }, (_, n) => mine(n))
    for (const key of keys) await sim.addValidator(key, stakeGwei / BigInt(parts), honest)
    return keys
  },
  honest: honestValidator,
}
