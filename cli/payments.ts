/**
 * What an account was paid, and by which rule: the rules of `registry/` applied again to what the
 * chain's events say. Rules E-1, E-2, E-6, E-7, E-15, E-35, E-36 and E-55 of docs/spec/economy.md.
 */
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { splitCustody, splitFee } from '../registry/formulas.ts'
import { coinsText } from './format.ts'

type PaymentKind =
  | 'worker'
  | 'proposer'
  | 'custodian'
  | 'data'
  | 'rows'
  | 'royalty'
  | 'sale'
  | 'purchase'
  | 'emission'
  | 'reporter'
  | 'penalty'
  | 'slash'
  | 'escrow'
  | 'refund'
  | 'reward'
  | 'grant'
  | 'keeper'
  | 'openFee'
  | 'stake'

/** Blocks that are read, both ends included; a log query may span 10,000. */
export type BlockWindow = { readonly from: bigint; readonly to: bigint }

/** One movement of coin, with its reason. `penalty` and `slash` are taken from what is at stake. */
export type Payment = {
  readonly block: bigint
  readonly kind: PaymentKind
  /** Negative where the account paid. */
  readonly wei: bigint
  readonly why: string
  readonly job: Hash | null
}

/** Of an address as viem spells it. */
export function lowerAddress(text: string): Address {
  return text.toLowerCase() as Address
}

/** A settled certificate and who had a part in it. */
export type Settlement = {
  readonly block: bigint
  readonly job: Hash
  readonly range: number
  readonly fee: bigint
  readonly worker: Address
  readonly proposer: Address
  /** Null where nobody owns the rows, or several share. */
  readonly dataOwner: Address | null
  /** Wei that several owners of rows shared. @default 0n */
  readonly shared?: bigint
  /** In the order of the set; empty for jobs that are executed again by every voter. */
  readonly custodians: readonly Address[]
}

/** The parts of one fee that went to `account`. */
export function partsOf(account: Address, settlement: Settlement): readonly Payment[] {
  const { block, job, range, fee, worker, proposer, dataOwner, custodians } = settlement
  const split = splitFee(fee)
  const of = `of ${coinsText(fee)}, the fee of lease ${range}`
  const paid = (kind: PaymentKind, wei: bigint, why: string): Payment => ({
    block,
    kind,
    wei,
    why: `${why} ${of}`,
    job,
  })
  const parts: Payment[] = []
  if (worker === account) parts.push(paid('worker', split.worker, '67 %'))
  if (proposer === account) parts.push(paid('proposer', split.proposer, 'proposed it: 5 %'))
  if (dataOwner === account) parts.push(paid('data', split.dataset, 'owns the rows: 15 %'))
  if (custodians.includes(account)) {
    const shared = `vouched with ${custodians.length - 1} more: a share of 2 %`
    parts.push(paid('custodian', splitCustody(split.custody, custodians.length).share, shared))
  }
  return parts
}

/** What a certificate burned, wei: what its worker's emission follows. */
export function burnOf({ fee, custodians, dataOwner, shared = 0n }: Settlement): bigint {
  const split = splitFee(fee)
  const { rest } = splitCustody(split.custody, custodians.length)
  return split.burned + rest + (dataOwner === null ? split.dataset - shared : 0n)
}

/** Sum of the payments of each kind that occurs, and of all. */
export function totalsOf(payments: readonly Payment[]): Readonly<Record<string, bigint>> {
  const totals: Record<string, bigint> = {}
  for (const { kind, wei } of payments) totals[kind] = (totals[kind] ?? 0n) + wei
  return { ...totals, total: payments.reduce((sum, { wei }) => sum + wei, 0n) }
}
