/**
 * The native modules of a chain.
 */
import type { ChainParams } from '../../params/chainParams.ts'
import type { NativeModule } from '../nativeModule.ts'
import { custodyModule } from './custody.ts'
import { groupsModule } from './groups.ts'
import { jobsModule } from './jobs.ts'
import { registryModule } from './registry.ts'
import { reputationModule } from './reputation.ts'
import { stakingModule } from './staking.ts'
import { treasuryModule } from './treasury.ts'
import { createProofCheck, verifiersModule } from './verifiers.ts'

export function nativeModules(params: ChainParams, chainId: number): readonly NativeModule[] {
  const checkProof = createProofCheck()
  return [
    stakingModule(params),
    registryModule(params, chainId),
    jobsModule(params, chainId),
    reputationModule(),
    treasuryModule(params, chainId),
    verifiersModule(checkProof),
    groupsModule(chainId, checkProof),
    custodyModule(params),
  ]
}
