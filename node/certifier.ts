/**
 * Turning a trained lease into a certificate: the validator's transaction with its sidecar.
 */
import type { Chain } from '../chain/chain.ts'
import { maxValidators, moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Fault, invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { certifyGas } from '../proof/certificateCost.ts'
import { readDataset } from '../registry/datasets.ts'
import { readCharges } from '../registry/jobCharges.ts'
import { readJob } from '../registry/jobRecord.ts'
import type { CertifyCall } from '../vm/modules/jobs.ts'
import { feeCap } from '../vm/transaction.ts'
import type { Account } from './account.ts'
import type { Certificates } from './certificates.ts'
import { encodeCertify } from './statement.ts'

export type CertifierModules = {
  readonly chain: Chain
  readonly account: Account
  readonly certificates: Pick<Certificates, 'take' | 'pool' | 'repeat'>
  readonly pools: {
    readonly account: (address: Address) => Promise<{ readonly nonce: bigint }>
    readonly nextBaseFee: () => bigint
  }
}

/** Gas for calldata, storage and logs of a certificate, and of a job's end among as many as there may be. */
const baseGas = 2_800_000n
/** Of each member of the sets that the holders of three attempts are drawn from, two of them missed. */
const memberGas = 64_000n
/** Of each custodian's pay. */
const custodianGas = 32_000n

/** Of each payment for rows or to an ancestor's owner: two words, a transfer and an event. */
const paymentGas = 40_000n

/** EIP-7825: the most gas of one transaction. */
const maxGas = 16_777_216n

const tip = 1_000_000_000n

/** The most gas that a certificate with `payments` besides its fee takes on top of {@link certifyGas}. */
export function storageGas(members: number, custodians: bigint, payments = 0): bigint {
  const paid = [...custodians.toString(2)].filter((bit) => bit === '1').length
  const ofMembers = memberGas * BigInt(members) + custodianGas * BigInt(paid)
  return baseGas + ofMembers + paymentGas * BigInt(payments)
}

/** Signs and announces a certificate; one that waits already is announced again, for more where it offers too little. */
export function createCertifier({ chain, account, certificates, pools }: CertifierModules) {
  return async (call: CertifyCall, sidecar: Uint8Array): Promise<Result<Hash, Fault>> => {
    const reader = await chain.readAt(chain.head().height)
    invariant(reader !== null, 'certifier: the head can be read')
    const record = await readJob(reader.world, call.job)
    if (record === null) return refuse({ code: 'jobs/unknown' })
    const { nonce } = await pools.account(account.address)
    // One that the head has included may not have left the pool yet.
    const waiting = certificates.pool
      .all()
      .filter(({ worker, transaction: { tx } }) => worker === account.address && tx.nonce >= nonce)
    const sent = waiting.find(({ sidecar: name }) => name === call.sidecar)
    if (sent !== undefined && feeCap(sent.transaction.tx) >= pools.nextBaseFee()) {
      certificates.repeat(sent)
      return ok(sent.transaction.hash)
    }
    const members = (await chain.setAt(chain.head().height))?.validators.length ?? maxValidators
    const { royalties, rowPrice, heldOutRowPrice } = await readCharges(reader.world, call.job)
    const dataset = await readDataset(reader.world, record.job.dataset)
    // Parts of a joint dataset have a share of the fee and a price for their rows each.
    const parts = dataset?.joint === undefined ? 0 : 2 * dataset.joint.parts.length
    const payments = parts + royalties.length + (rowPrice + heldOutRowPrice > 0n ? 1 : 0)
    const gas = storageGas(members, call.custodians, payments) + certifyGas(record.job, call.range)
    const transaction = await account.sign({
      chainId: chain.genesis.chainId,
      nonce: sent?.transaction.tx.nonce ?? nonce + BigInt(waiting.length),
      to: moduleAddresses.jobs,
      data: encodeCertify(call),
      gas: gas < maxGas ? gas : maxGas,
      maxFeePerGas: 2n * pools.nextBaseFee() + tip,
      maxPriorityFeePerGas: tip,
    })
    return certificates.take({ transaction, sidecar }, null)
  }
}
