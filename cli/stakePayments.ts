/**
 * What happened to an account's coin at stake: put in, taken out, entrusted to others, earned by it, and
 * lost by penalties that no transaction tells of. Rules E-7, E-11 to E-15 and E-36 of
 * docs/spec/economy.md.
 */
import type { ParseEventLogsReturnType } from 'viem'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import { custodyAbi } from '../vm/modules/custody.ts'
import { stakingAbi } from '../vm/modules/stakingAbi.ts'
import { coinsText } from './format.ts'
import { type BlockWindow, lowerAddress, type Payment } from './payments.ts'
import type { Node } from './rpc.ts'

type StakingLog = ParseEventLogsReturnType<typeof stakingAbi, undefined, true>[number]

/** What an event of `Staking` moved to or from `account`. */
export function stakeOf(
  account: Address,
  { eventName, args, blockNumber: block }: StakingLog,
): readonly Payment[] {
  const moved = (
    kind: Payment['kind'],
    who: string,
    wei: bigint,
    why: string,
  ): readonly Payment[] =>
    lowerAddress(who) === account ? [{ block, kind, wei, why, job: null }] : []
  switch (eventName) {
    case 'Registered':
      return moved('stake', args.validator, -args.stake * weiPerGwei, 'put at stake')
    case 'Bonded':
      return moved('stake', args.validator, -args.amount, 'added to its stake')
    case 'Withdrawn':
      return moved('stake', args.validator, args.amount, 'taken out of its stake')
    case 'DelegationAdded':
      return moved('stake', args.delegator, -args.amount, `entrusted to ${args.validator}`)
    case 'DelegationWithdrawn':
      return moved('stake', args.delegator, args.amount, `taken back from ${args.validator}`)
    case 'RewardClaimed': {
      const why = `its share of the emission of ${args.validator}`
      return moved('reward', args.delegator, args.amount, why)
    }
    default:
      return []
  }
}

/** What the chain itself took from the stake of `account`: the newest 64 of each kind. */
export async function penaltiesOf(
  { client }: Pick<Node, 'client'>,
  account: Address,
  { from, to }: BlockWindow,
): Promise<readonly Payment[]> {
  const at = { args: [account], blockNumber: to } as const
  const [missed, slashes] = await Promise.all([
    client.readContract({
      ...at,
      address: moduleAddresses.custody,
      abi: custodyAbi,
      functionName: 'missed',
    }),
    client.readContract({
      ...at,
      address: moduleAddresses.staking,
      abi: stakingAbi,
      functionName: 'slashes',
    }),
  ])
  const taken = (kind: Payment['kind'], block: bigint, wei: bigint, why: string): Payment => ({
    block,
    kind,
    wei: -wei,
    why,
    job: null,
  })
  const unanswered =
    'did not show in time what it keeps: a tenth of the pay of a lease, from the stake'
  const doubled = (all: bigint) =>
    `voted twice: a twentieth of its stake, of ${coinsText(all)} with what was entrusted to it`
  return [
    ...missed.map(({ height, penalty }) => taken('penalty', height, penalty, unanswered)),
    ...slashes.map(({ height, burned, own }) => taken('slash', height, own, doubled(burned))),
  ].filter(({ block }) => block >= from && block <= to)
}
