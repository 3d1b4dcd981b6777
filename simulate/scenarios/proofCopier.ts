import { Delivery } from '../conduct.ts'
import type { Scenario } from '../scenario.ts'
import { honestValidator, validatorWho } from './validator.ts'

export const proofCopier: Scenario = {
  name: 'proof-copier',
  about:
    'never trains and hands in what others proved; a proof names its worker and fits one lease, so every lease passes and is paid for',
  adversary: validatorWho({ deliver: () => Delivery.Copied }),
  honest: honestValidator,
}
