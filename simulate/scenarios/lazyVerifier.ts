import type { Scenario } from '../scenario.ts'
import { honestValidator, validatorWho } from './validator.ts'

export const lazyVerifier: Scenario = {
  name: 'lazy-verifier',
  about:
    "vouches for every lease's weights without fetching them, which saves the fetching and the judging; it cannot step back from what it vouched for, and a challenge that draws it finds nothing: it pays, and loses reputation",
  adversary: validatorWho({ vouches: () => 'blindly', keeps: false }),
  honest: honestValidator,
}
