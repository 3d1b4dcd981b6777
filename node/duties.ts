/**
 * What a validator does of its own accord besides agreeing: it works leases and keeps data. Both sign
 * with its account.
 */
import { encodeFunctionData } from 'viem'
import { moduleAddresses } from '../params/protocol.ts'
import type { Hash } from '../primitives/hash.ts'
import { jobsAbi } from '../vm/modules/jobsAbi.ts'
import type { Account } from './account.ts'
import { type CertifierModules, createCertifier } from './certifier.ts'
import { createKeeper, type Keeper, type KeeperModules } from './keeper.ts'
import { createSender, type SenderModules } from './sender.ts'
import type { WorkLoop } from './workLoop.ts'
import type { Workshop } from './workshop.ts'

/** Gas of stepping back from a lease: what is not used is not paid, and misses before it are settled. */
const declineGas = 8_000_000n

export type DutyOptions = { readonly work: boolean; readonly sitOut: number }

export type DutyModules = Omit<CertifierModules, 'account'> &
  Pick<SenderModules, 'clock' | 'transactions'> &
  Pick<KeeperModules, 'blobs' | 'ensureBlob' | 'refused' | 'log'> & {
    readonly workshop: Pick<Workshop, 'workLoop' | 'show'>
  }

export type Duties = { readonly work: WorkLoop | null; readonly keeper: Keeper | null }

/** @param account - null for a node that follows only. */
export function createDuties(
  account: Account | null,
  { work, sitOut }: DutyOptions,
  modules: DutyModules,
): Duties {
  if (account === null) return { work: null, keeper: null }
  const { chain, workshop, blobs, ensureBlob, refused, log } = modules
  const sender = createSender({ ...modules, account, chainId: chain.genesis.chainId })
  const certify = createCertifier({ ...modules, account })
  return {
    work: work
      ? workshop.workLoop(
          { sitOut },
          {
            submit: (call, sidecar) => sender.beforeCalls(() => certify(call, sidecar)),
            decline: (job) => sender.send({ ...declineCall(job), gas: declineGas }),
          },
        )
      : null,
    keeper: createKeeper({
      self: account.address,
      params: chain.rules.params,
      pool: workshop,
      blobs,
      ensureBlob,
      refused,
      send: sender.send,
      log,
    }),
  }
}

function declineCall(job: Hash) {
  const data = encodeFunctionData({ abi: jobsAbi, functionName: 'decline', args: [job] })
  return { to: moduleAddresses.jobs, data }
}
