/**
 * What a certificate claims, read from its transaction, and why one is refused.
 */
import { isCertify } from '../chain/certify.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { utf8ToBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf } from '../primitives/hash.ts'
import type { Fault } from '../primitives/result.ts'
import type { Engine } from '../vm/engine.ts'
import { decodeCall } from '../vm/natives.ts'
import type { Transaction, TransactionFault } from '../vm/transaction.ts'

/** What a `Jobs.certify` transaction claims. */
export type CertificateClaim = {
  readonly transaction: Transaction
  readonly worker: Address
  readonly job: Hash
  readonly range: number
  /** Arguments of `Jobs.certify` as its ABI decodes them. */
  readonly args: readonly unknown[]
  /** Name of the proof. */
  readonly sidecar: Hash
}

/** What a transaction claims, or null if it is no call of `Jobs.certify`. */
export function claimOf(engine: Engine, transaction: Transaction): CertificateClaim | null {
  const abi = engine.modules.get(moduleAddresses.jobs)?.abi
  if (abi === undefined || !isCertify(engine, transaction)) return null
  const call = decodeCall(abi, transaction.tx.data)
  if (call === null) return null
  const [job, range] = call.args as readonly [Hash, number]
  const sidecar = call.args.at(-1) as Hash
  return { transaction, worker: transaction.sender, job, range, args: call.args, sidecar }
}

/**
 * The name of the verdict on a claim: it belongs to the statement (sender, call data and what they mean
 * at the head, `basis`) and to the proof.
 */
export function verdictName({ worker, transaction, sidecar }: CertificateClaim, basis: Hash): Hash {
  const { data } = transaction.tx
  const [proof, meaning] = [hashBytes(sidecar), hashBytes(basis)]
  return hashOf('waggle/verdict/v2', proof, meaning, utf8ToBytes(worker), data)
}

export type CertificateFault =
  | TransactionFault
  | { readonly code: 'certificate/known'; readonly hash: Hash }
  | { readonly code: 'certificate/call'; readonly hash: Hash }
  | { readonly code: 'certificate/sidecarSize'; readonly max: number; readonly got: number }
  | { readonly code: 'certificate/sidecar'; readonly expected: Hash; readonly got: Hash }
  | { readonly code: 'certificate/nonce'; readonly next: bigint; readonly got: bigint }
  | { readonly code: 'certificate/balance'; readonly needed: bigint; readonly got: bigint }
  | { readonly code: 'certificate/fee'; readonly baseFee: bigint; readonly got: bigint }
  | { readonly code: 'certificate/busy'; readonly max: number }
  | { readonly code: 'certificate/full'; readonly maxBytes: number }
  | { readonly code: 'certificate/refused'; readonly fault: Fault }
  | { readonly code: 'certificate/proof'; readonly fault: Fault }
