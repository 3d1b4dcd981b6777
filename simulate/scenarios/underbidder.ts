import type { Scenario } from '../scenario.ts'
import { validatorWho } from './validator.ts'

export const underbidder: Scenario = {
  name: 'underbidder',
  about:
    'works for less than its cost to win leases, standing and emission; what emission and slots return is less than what it loses by each multiply-accumulate',
  // Work costs more than the least price pays, so there are jobs that the others leave.
  computePercent: 110n,
  adversary: validatorWho({ askPercent: 1n }),
  honest: validatorWho({}),
}
