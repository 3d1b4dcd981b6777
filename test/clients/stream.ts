/**
 * A stream of transactions of every kind, drawn from a seed: transfers, ERC-20, storage, reverts,
 * creation, destruction, precompiles, access lists, delegations, and random code.
 */
import { concat, encodeDeployData, encodeFunctionData, getContractAddress, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { toHex } from '../../primitives/bytes.ts'
import { type Hash, hashOf } from '../../primitives/hash.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { keyOf } from '../chain/support.ts'
import { precompileCall } from './precompileCalls.ts'
import { randomCode } from './randomCode.ts'
import type { Compiled } from './solidity.ts'

export type Contracts = Readonly<
  Record<'Token' | 'Hoard' | 'Factory' | 'Caller' | 'Mayfly', Compiled>
>

/** A signed transaction and what it was meant to show. */
export type Sent = { readonly raw: Hex; readonly kind: string; readonly gas: bigint }

/** What a transaction does, before it has a sender, a number and a price. */
type Draft = {
  readonly kind: string
  readonly to?: Hex | undefined
  readonly data?: Hex | undefined
  readonly value?: bigint | undefined
  readonly gas: bigint
  readonly authorizes?: boolean | undefined
}

export type Stream = {
  /** Transactions that fit a block together, the first of them deploying what the others call. */
  readonly next: (count: number) => Promise<readonly Sent[]>
  /** Every account that the stream has named so far. */
  readonly touched: () => readonly Hex[]
}

const gwei = 10n ** 9n
const blockGas = 27_000_000n
const senderNames = ['alice', 'bob'] as const
const authorityCount = 6

export function createStream(seed: number, chainId: number, contracts: Contracts): Stream {
  const random = new SeededRandom('clients', seedHash(seed))
  const senders = senderNames.map((name) => privateKeyToAccount(toHex(keyOf(name))))
  const authorities = Array.from({ length: authorityCount }, (_, i) =>
    privateKeyToAccount(toHex(keyOf(`authority ${i}`))),
  )
  const nonces = new Map<Hex, number>()
  const known = new Set<Hex>(senders.map(({ address }) => address))
  const deployed = new Map<string, Hex>()
  const draw = draws(random)

  function deploy(name: keyof Contracts): Draft {
    const { abi, bytecode } = contracts[name]
    const from = senders[0]!.address
    deployed.set(name, getContractAddress({ from, nonce: BigInt(nonceOf(from)) }))
    return { kind: `deploy ${name}`, data: encodeDeployData({ abi, bytecode }), gas: 3_000_000n }
  }

  function call(
    name: keyof Contracts,
    functionName: string,
    args: readonly unknown[],
    gas: bigint,
    value?: bigint,
  ): Draft {
    const data = encodeFunctionData({ abi: contracts[name].abi, functionName, args })
    return { kind: `${name}.${functionName}`, to: deployed.get(name)!, data, gas, value }
  }

  const someone = (): Hex => draw.pick([...known].slice(0, 400))
  const mayBeContract = (): Hex => draw.pick([...deployed.values(), someone()])
  const stranger = (): Hex => draw.bytes(20)

  const drafts: readonly (() => Draft)[] = [
    () => ({ kind: 'transfer', to: someone(), value: draw.wei(), gas: 60_000n }),
    () => ({ kind: 'transfer to a stranger', to: stranger(), value: draw.wei(), gas: 21_000n }),
    () => ({ kind: 'data', to: someone(), data: draw.bytes(draw.below(300)), gas: 90_000n }),
    () => call('Token', 'mint', [someone(), draw.wei()], 80_000n),
    () => call('Token', 'transfer', [someone(), draw.wei()], 80_000n),
    () => call('Token', 'transfer', [someone(), draw.wei() << 40n], 80_000n),
    () => call('Token', 'approve', [draw.pick(senders).address, draw.wei()], 80_000n),
    () => {
      const [from, to] = [draw.pick(senders).address, someone()]
      return call('Token', 'transferFrom', [from, to, draw.wei()], 90_000n)
    },
    () => call('Hoard', 'fill', [draw.slot(), draw.count(20), draw.count(3)], 500_000n),
    () => call('Hoard', 'fill', [draw.slot(), draw.count(10), 0n], 90_000n),
    () => call('Hoard', 'churn', [draw.slot(), draw.count(12)], 300_000n),
    () => call('Hoard', 'write', [draw.bytes(draw.below(200))], 600_000n),
    () => call('Hoard', 'remember', [draw.slot(), draw.count(9)], 90_000n),
    () => call('Hoard', 'shout', [draw.slot(), draw.bytes(draw.below(99))], 90_000n),
    () => call('Hoard', 'grind', [draw.count(60)], 200_000n),
    () => call('Factory', 'make', [], 400_000n, draw.count(5)),
    () => call('Factory', 'make2', [draw.salt(), draw.chance(4)], 400_000n, draw.count(5)),
    () => call('Factory', 'flash', [draw.salt(), someone()], 400_000n, draw.count(5)),
    () => call('Factory', 'raw', [randomCode(random)], 500_000n, draw.count(2)),
    () => {
      const { to, data, gas } = precompileCall(random)
      return call('Caller', 'call', [to, gas, 0n, data], gas + 400_000n)
    },
    () =>
      call(
        'Caller',
        'call',
        [mayBeContract(), draw.count(90_000), draw.count(3), draw.bytes(4)],
        250_000n,
        9n,
      ),
    () => call('Caller', 'callStatic', [mayBeContract(), hoardCall()], 250_000n),
    () => call('Caller', 'callDelegate', [deployed.get('Hoard')!, hoardCall()], 250_000n),
    () => call('Caller', 'dive', [draw.count(80)], draw.pick([90_000n, 400_000n])),
    () => call('Caller', 'refuse', [draw.count(4)], 60_000n),
    () => call('Caller', 'look', [mayBeContract()], 60_000n),
    () => ({ kind: 'random code', data: randomCode(random), gas: 400_000n, value: draw.count(2) }),
    () => ({
      ...call('Hoard', 'churn', [draw.slot(), 4n], 400_000n),
      kind: 'delegation',
      authorizes: true,
    }),
    () => ({
      kind: 'to a delegate',
      to: draw.pick(authorities).address,
      data: hoardCall(),
      gas: 300_000n,
    }),
  ]

  /**
   * Authorities hold coins before they sign: anvil refunds EIP-7702's charge for new accounts to new
   * accounts too.
   */
  const preparations: (() => Draft)[] = [
    ...(['Token', 'Hoard', 'Factory', 'Caller'] as const).map((name) => () => deploy(name)),
    ...authorities.map(({ address }) => () => ({
      kind: 'transfer to an authority',
      to: address,
      value: 1n,
      gas: 21_000n,
    })),
  ]

  function hoardCall(): Hex {
    const args = [draw.slot(), draw.count(5), draw.count(7)]
    return encodeFunctionData({ abi: contracts.Hoard.abi, functionName: 'fill', args })
  }

  async function sign(draft: Draft, place: number, isFlat: boolean): Promise<Sent> {
    // The contracts' addresses follow from the first sender's nonces.
    const sender = draft.kind.startsWith('deploy') ? senders[0]! : draw.pick(senders)
    const nonce = nonceOf(sender.address)
    nonces.set(sender.address, nonce + 1)
    if (draft.to === undefined)
      known.add(getContractAddress({ from: sender.address, nonce: BigInt(nonce) }))
    else known.add(draft.to)
    const { kind } = draft
    const listed = draft.to !== undefined && draft.authorizes !== true && draw.chance(3)
    const gas = listed ? draft.gas + 10_000n : draft.gas
    const { to, data, value = 0n } = draft
    const common = { chainId, nonce, gas, to, data, value }
    const accessList = listed
      ? [{ address: mayBeContract(), storageKeys: [draw.bytes(32), draw.bytes(32)] }]
      : []
    const transaction = { ...common, ...(await terms(draft, place, isFlat, listed)) }
    const raw = await sender.signTransaction({
      ...transaction,
      ...(listed ? { accessList } : {}),
    } as never)
    return { raw, kind: `${transaction.type} ${kind}`, gas }
  }

  /** Type and price. Prices fall from place to place: a node that sorts by tips keeps the order. */
  async function terms(draft: Draft, place: number, isFlat: boolean, listed: boolean) {
    const price = 50n * gwei - BigInt(place) * 1_000_000n
    const fees = { maxFeePerGas: isFlat ? price : 100n * gwei, maxPriorityFeePerGas: price }
    if (draft.authorizes === true)
      return { type: 'eip7702', ...fees, authorizationList: await authorizations() }
    if (isFlat) return { type: listed ? 'eip2930' : 'legacy', gasPrice: price }
    return { type: 'eip1559', ...fees }
  }

  async function authorizations() {
    return [await authorization(), await authorization()]
  }

  async function authorization() {
    const authority = draw.pick(authorities)
    const nonce = nonceOf(authority.address)
    // Now and then a stale number: the chain passes over those.
    const stale = draw.chance(5)
    if (!stale) nonces.set(authority.address, nonce + 1)
    const address = draw.pick([deployed.get('Hoard')!, deployed.get('Caller')!, nowhere])
    return authority.signAuthorization({
      chainId: draw.pick([chainId, 0]),
      address,
      nonce: stale ? nonce + 7 : nonce,
    })
  }

  function nonceOf(address: Hex): number {
    return nonces.get(address) ?? 0
  }

  async function next(count: number): Promise<readonly Sent[]> {
    const sent: Sent[] = []
    let gas = 0n
    // Either all of a block name one price, or a cap and a tip.
    const isFlat = draw.chance(3)
    while (sent.length < count) {
      const draft = preparations.shift()?.() ?? draw.pick(drafts)()
      if (gas + draft.gas > blockGas) break
      const one = await sign(draft, sent.length, isFlat)
      gas += one.gas
      sent.push(one)
    }
    return sent
  }

  return { next, touched: () => [...known] }
}

const nowhere: Hex = `0x${'00'.repeat(20)}`

function seedHash(seed: number): Hash {
  return hashOf('test/stream', Uint8Array.of(seed >>> 24, seed >>> 16, seed >>> 8, seed))
}

function draws(random: SeededRandom) {
  const below = (bound: number) => random.below(bound)
  const bytes = (length: number): Hex => toHex(Uint8Array.from({ length }, () => below(256)))
  return {
    below,
    bytes,
    pick: <T>(list: readonly T[]): T => list[below(list.length)]!,
    /** Once in `odds`. */
    chance: (odds: number) => below(odds) === 0,
    wei: () => BigInt(below(1_000_000)),
    count: (most: number) => BigInt(below(most + 1)),
    slot: () => BigInt(below(60)),
    /** Few of them, so that they collide. */
    salt: (): Hex => concat([toHex(new Uint8Array(31)), toHex(Uint8Array.of(below(12)))]),
  }
}
