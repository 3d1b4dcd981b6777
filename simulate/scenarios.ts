/**
 * All scenarios by name.
 */
import type { Scenario } from './scenario.ts'
import { cartel } from './scenarios/cartel.ts'
import { censor } from './scenarios/censor.ts'
import { evaluationInjector } from './scenarios/evaluationInjector.ts'
import { lazyVerifier } from './scenarios/lazyVerifier.ts'
import { leaseSquatter } from './scenarios/leaseSquatter.ts'
import { openLookCancel } from './scenarios/openLookCancel.ts'
import { proofCopier } from './scenarios/proofCopier.ts'
import { seedGrinder } from './scenarios/seedGrinder.ts'
import { selfDealer } from './scenarios/selfDealer.ts'
import { spammer } from './scenarios/spammer.ts'
import { sybilSplitter } from './scenarios/sybilSplitter.ts'
import { tinyDatabase } from './scenarios/tinyDatabase.ts'
import { underbidder } from './scenarios/underbidder.ts'
import { withholder } from './scenarios/withholder.ts'

export const scenarios: readonly Scenario[] = [
  selfDealer,
  proofCopier,
  withholder,
  lazyVerifier,
  seedGrinder,
  openLookCancel,
  sybilSplitter,
  cartel,
  leaseSquatter,
  underbidder,
  spammer,
  censor,
  evaluationInjector,
  tinyDatabase,
]
