/**
 * What the holder of a lease does with it: certificates of its work, put into its pool and announced.
 */
import { openAccount } from '../../node/account.ts'
import { createCertifier } from '../../node/certifier.ts'
import type { ValidatorKeys } from '../../node/keys.ts'
import type { Hash } from '../../primitives/hash.ts'
import { leaseOf } from './claim.ts'
import type { SimNode } from './node.ts'
import type { Certified, Workshop } from './workshop.ts'

/**
 * The certificate of the lease that the node holds at its head, or null: `spoil` is a liar's way with it.
 * Saying it again announces it again.
 */
export async function certifyLease(
  node: SimNode,
  keys: ValidatorKeys,
  workshop: Pick<Workshop, 'work'>,
  spoil: (certified: Certified) => Certified = (certified) => certified,
): Promise<Hash | null> {
  const { chain, certificates } = node.parts()
  const lease = await leaseOf(chain, keys.address)
  if (lease === null) return null
  const account = openAccount(keys.accountKey)
  const pools = {
    account: async () => (await chain.readAt(chain.head().height))!.account(keys.address),
    nextBaseFee: () => chain.head().header.calcNextBaseFee(),
  }
  const certify = createCertifier({ chain, account, certificates, pools })
  const { call, sidecar } = spoil(await workshop.work(chain, lease, keys.address))
  const taken = await certify(call, sidecar)
  return taken.ok ? taken.value : null
}
