import { Delivery } from '../conduct.ts'
import type { Scenario } from '../scenario.ts'
import { honestValidator, validatorWho } from './validator.ts'

export const withholder: Scenario = {
  name: 'withholder',
  about:
    'trains and proves but keeps the weights, to be the only one who can go on; custodians who cannot fetch them do not vouch, and the certificate is refused',
  adversary: validatorWho({ deliver: () => Delivery.Hidden }),
  honest: honestValidator,
}
