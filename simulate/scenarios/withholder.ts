import { Delivery } from '../conduct.ts'
import type { Scenario } from '../scenario.ts'
import { honestValidator, validatorWho } from './validator.ts'

export const withholder: Scenario = {
  name: 'withholder',
  about:
    'trains and proves but keeps the weights, to be the only one who can go on; custodians who cannot fetch them do not vouch, and the certificate is refused; nor does it show what it must keep when it is asked to',
  adversary: validatorWho({ deliver: () => Delivery.Hidden, keeps: false }),
  honest: honestValidator,
}
