/**
 * Turning a trained lease into a certificate: the validator's transaction with its sidecar.
 */
import type { Chain } from '../chain/chain.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Fault, invariant, type Result, refuse } from '../primitives/result.ts'
import { certifyGas } from '../proof/certificateCost.ts'
import { readJob } from '../registry/jobRecord.ts'
import type { CertifyCall } from '../vm/modules/jobs.ts'
import type { Account } from './account.ts'
import type { Certificates } from './certificates.ts'
import { encodeCertify } from './statement.ts'

export type CertifierModules = {
  readonly chain: Chain
  readonly account: Account
  readonly certificates: Pick<Certificates, 'take' | 'pool'>
  readonly pools: {
    readonly account: (address: Address) => Promise<{ readonly nonce: bigint }>
    readonly nextBaseFee: () => bigint
  }
}

/** Gas for calldata, storage and logs of a certificate, misses and a job's end included. */
const storageGas = 3_000_000n

/** EIP-7825: the most gas of one transaction. */
const maxGas = 16_777_216n

const tip = 1_000_000_000n

export function createCertifier({ chain, account, certificates, pools }: CertifierModules) {
  return async (call: CertifyCall, sidecar: Uint8Array): Promise<Result<Hash, Fault>> => {
    const reader = await chain.readAt(chain.head().height)
    invariant(reader !== null, 'certifier: the head can be read')
    const record = await readJob(reader.world, call.job)
    if (record === null) return refuse({ code: 'jobs/unknown' })
    const { nonce } = await pools.account(account.address)
    const waiting = certificates.pool.all().filter(({ worker }) => worker === account.address)
    const gas = storageGas + certifyGas(record.job, call.range)
    const transaction = await account.sign({
      chainId: chain.genesis.chainId,
      nonce: nonce + BigInt(waiting.length),
      to: moduleAddresses.jobs,
      data: encodeCertify(call),
      gas: gas < maxGas ? gas : maxGas,
      maxFeePerGas: 2n * pools.nextBaseFee() + tip,
      maxPriorityFeePerGas: tip,
    })
    return certificates.take({ transaction, sidecar }, null)
  }
}
