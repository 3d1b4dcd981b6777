import { Delivery } from '../conduct.ts'
import type { Scenario } from '../scenario.ts'
import { honestValidator, validatorWho } from './validator.ts'

export const leaseSquatter: Scenario = {
  name: 'lease-squatter',
  about: 'lets every lease pass; each costs it a tenth of the pay, an eighth of its reputation',
  adversary: validatorWho({ deliver: () => Delivery.None }),
  honest: honestValidator,
}
