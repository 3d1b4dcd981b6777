/**
 * The load of the chain benchmark: the same signed transactions for every node, from many senders, and
 * how long a node takes until the last of them is in a block.
 */
import { createFeeMarket1559Tx } from '@ethereumjs/tx'
// biome-ignore lint/correctness/noUnresolvedImports: a CommonJS export that Biome does not see
import secp256k1 from 'secp256k1'
import type { Hex } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { devnetMnemonic } from '../node/keysDevnet.ts'
import { type Address, addressOfKey } from '../primitives/address.ts'
import { weiPerCoin } from '../primitives/brand.ts'
import { fromHex, toHex, uintBytes, utf8ToBytes } from '../primitives/bytes.ts'
import { hashBytes, hashOf } from '../primitives/hash.ts'
import { type Engine, openEngine } from '../vm/engine.ts'
import { ask as askOnce } from './rpcClient.ts'

/** Reads may be asked again: a connection that was idle may be closing. */
export const ask: typeof askOnce = (url, method, ...params) =>
  askOnce(url, method, ...params).catch(() => askOnce(url, method, ...params)) as never

export const senders = 256
const funders = 10
const batchSize = 100
/** Connections at a time, to all nodes together. */
const submitters = 4

type Unsigned = {
  readonly nonce: number
  readonly to?: Address | undefined
  readonly data?: Hex | undefined
  readonly gas: bigint
  readonly value?: bigint | undefined
}

/** Signed transactions of each sender, in the order of its nonces. */
export type Stream = readonly (readonly Hex[])[]

export type Signer = {
  readonly senders: readonly Address[]
  readonly funders: readonly Address[]
  /** What pays for the senders before anything is measured. */
  readonly funding: () => Stream
  readonly transfers: (firstNonce: number, each: number) => Stream
  readonly tokenDeployment: () => Hex
  readonly tokenTransfers: (token: Address, firstNonce: number, each: number) => Stream
}

/**
 * A token as small as one can be: `transfer` moves between balances that start at 2^128 and logs it.
 *
 *     mem[0] = caller; sstore(k = keccak(mem[0..32]), sload(k) - amount)
 *     mem[0] = to;     sstore(k = keccak(mem[0..32]), sload(k) + amount)
 *     mem[0] = amount; log3(0, 32, Transfer, caller, to); mem[0] = 1; return(0, 32)
 */
const transferTopic = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const token = [
  ['33', '5f', '52', '60205f20', '80', '54', '602435', '90', '03', '90', '55'],
  ['600435', '5f', '52', '60205f20', '80', '54', '602435', '01', '90', '55'],
  ['602435', '5f', '52', '600435', '33', `7f${transferTopic}`, '60205f', 'a3'],
  ['6001', '5f', '52', '60205f', 'f3'],
]
  .flat()
  .join('')

/** Signs for a chain; the keys are the same on every chain. */
export async function openSigner(chainId: number): Promise<Signer> {
  const engine = await openEngine(chainId, [])
  const keys = Array.from({ length: senders }, (_, i) =>
    hashBytes(hashOf('waggle/bench', utf8ToBytes(String(i)))),
  )
  const addresses = keys.map(addressOfKey)
  const funderKeys = Array.from({ length: funders }, (_, addressIndex) => {
    const account = mnemonicToAccount(devnetMnemonic, { addressIndex })
    return Uint8Array.from(account.getHdKey().privateKey!)
  })
  const each = (count: number, make: (sender: number, i: number) => Unsigned): Stream =>
    keys.map((key, sender) =>
      Array.from({ length: count }, (_, i) => signed(engine, key, make(sender, i))),
    )

  return {
    senders: addresses,
    funders: funderKeys.map(addressOfKey),
    funding: () =>
      funderKeys.map((key, funder) =>
        addresses
          .filter((_, i) => i % funders === funder)
          .map((to, nonce) => {
            return signed(engine, key, { nonce, to, gas: 21_000n, value: 10n * weiPerCoin })
          }),
      ),
    transfers: (firstNonce, count) =>
      each(count, (sender, i) => ({
        nonce: firstNonce + i,
        to: addresses[(sender + 7 * i + 1) % senders]!,
        gas: 21_000n,
        value: 1n,
      })),
    tokenDeployment: () => {
      const size = (token.length / 2).toString(16).padStart(2, '0')
      const data: Hex = `0x60${size}600a5f3960${size}5ff3${token}`
      return signed(engine, keys[0]!, { nonce: 0, data, gas: 200_000n })
    },
    tokenTransfers: (to, firstNonce, count) =>
      each(count, (sender, i) => {
        const target = addresses[(sender + 5 * i + 3) % senders]!.slice(2).padStart(64, '0')
        const data: Hex = `0xa9059cbb${target}${toHex(uintBytes(1n, 32)).slice(2)}`
        return { nonce: firstNonce + i, to, data, gas: 100_000n }
      }),
  }
}

/** Signed with the native library: ten times as fast as the portable one. */
function signed(engine: Engine, key: Uint8Array, { gas, value = 0n, ...call }: Unsigned): Hex {
  const tx = createFeeMarket1559Tx(
    {
      chainId: BigInt(engine.chainId),
      nonce: BigInt(call.nonce),
      maxFeePerGas: 100_000_000_000n,
      maxPriorityFeePerGas: 1_000_000_000n,
      gasLimit: gas,
      value,
      data: fromHex(call.data ?? '0x'),
      ...(call.to === undefined ? {} : { to: call.to }),
    },
    { common: engine.common },
  )
  const { signature, recid } = secp256k1.ecdsaSign(tx.getHashedMessageToSign(), key)
  const [r, s] = [signature.slice(0, 32), signature.slice(32)]
  return toHex(tx.addSignature(BigInt(recid), Uint8Array.from(r), Uint8Array.from(s)).serialize())
}

/** Nonces that senders reach when all of a stream is mined. */
export type Goal = readonly (readonly [sender: Address, nonce: number])[]

/** Send all of `stream` and wait until blocks hold it; seconds from the first to the last. */
export async function secondsFor(
  urls: readonly string[],
  stream: Stream,
  goal: Goal,
): Promise<number> {
  const started = performance.now()
  const each = Math.max(1, submitters / urls.length)
  await Promise.all(
    urls.map((url, i) =>
      submit(
        url,
        stream.filter((_, n) => n % urls.length === i),
        each,
      ),
    ),
  )
  // Every node, so that none refuses what follows.
  for (const url of urls) await untilReached(url, goal)
  return (performance.now() - started) / 1_000
}

/** A sender's transactions stay in order; senders are spread over a few connections. */
async function submit(url: string, stream: Stream, connections: number): Promise<void> {
  const lanes = Array.from({ length: connections }, (_, lane) =>
    stream.filter((_, n) => n % connections === lane),
  )
  await Promise.all(
    lanes.map(async (lane) => {
      for (const row of rowsOf(lane))
        for (let at = 0; at < row.length; at += batchSize)
          await sendBatch(url, row.slice(at, at + batchSize))
    }),
  )
}

/** Every sender's first, then every sender's second: no batch has two of one sender. */
function rowsOf(lane: Stream): readonly (readonly Hex[])[] {
  const longest = Math.max(0, ...lane.map(({ length }) => length))
  return Array.from({ length: longest }, (_, i) => lane.flatMap((list) => list[i] ?? []))
}

async function sendBatch(url: string, raws: readonly Hex[]): Promise<void> {
  const body = JSON.stringify(
    raws.map((raw, id) => {
      return { jsonrpc: '2.0', id, method: 'eth_sendRawTransaction', params: [raw] }
    }),
  )
  await post<Hex>(url, body)
}

/** Asks for one sender until it is there, then for all: asking takes little of what is measured. */
async function untilReached(url: string, goal: Goal): Promise<void> {
  const deadline = performance.now() + 120_000
  for (let left = goal; left.length > 0; left = await unreached(url, left))
    while ((await unreached(url, left.slice(0, 1))).length > 0) {
      if (performance.now() > deadline) throw new Error(`${url}: not all transactions were mined`)
      await new Promise((again) => setTimeout(again, 50))
    }
}

async function unreached(url: string, goal: Goal): Promise<Goal> {
  const left: (readonly [Address, number])[] = []
  for (let at = 0; at < goal.length; at += batchSize) {
    const some = goal.slice(at, at + batchSize)
    const body = JSON.stringify(
      some.map(([sender], id) => {
        const params = [sender, 'latest']
        return { jsonrpc: '2.0', id, method: 'eth_getTransactionCount', params }
      }),
    )
    const answers = await post<Hex>(url, body)
    const nonces = new Map(answers.map(({ id, result }) => [id, Number(result)]))
    left.push(...some.filter(([, nonce], id) => nonces.get(id)! < nonce))
  }
  return left
}

type BatchAnswer<T> = {
  readonly id: number
  readonly result?: T
  readonly error?: { readonly message: string }
}

async function post<T>(url: string, body: string): Promise<readonly BatchAnswer<T>[]> {
  // A connection that has been idle may be closing: none is used twice.
  const headers = { 'content-type': 'application/json', connection: 'close' }
  const response = await fetch(url, { method: 'POST', headers, body })
  const answers = (await response.json()) as readonly BatchAnswer<T>[]
  const refused = answers.find(({ error }) => error !== undefined)
  if (refused !== undefined) throw new Error(`${url} refused: ${refused.error!.message}`)
  return answers
}
