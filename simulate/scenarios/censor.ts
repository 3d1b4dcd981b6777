import type { Scenario } from '../scenario.ts'
import { honestValidator, me, validatorWho } from './validator.ts'

export const censor: Scenario = {
  name: 'censor',
  about:
    "leaves others' certificates out of its blocks, hoping that their leases pass to it; the next proposer takes them in and the proposer's part with them",
  adversary: validatorWho({ includes: (worker) => worker === me }),
  honest: honestValidator,
}
