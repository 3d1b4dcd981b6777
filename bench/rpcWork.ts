/**
 * What every node of the RPC benchmark gets to hold: a contract, and 100,000 of its logs.
 */
import { type Account, createWalletClient, defineChain, type Hex, http, publicActions } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { devnetMnemonic } from '../node/keysDevnet.ts'
import { ask } from './rpcClient.ts'

export const allLogs = 100_000
/** Short of what a builder gives one transaction, on a busy machine too. */
const logsPerTransaction = 1_000
/** Of one sender at a time: nodes take 64. */
const window = 50

/**
 * As many logs as its argument says: topics 7 and `i mod 100`, 32 bytes of data.
 *
 *     n = calldata[0]; for (i = n; i > 0; i--) { mem[0] = i; log2(0, 32, 7, i % 100) }
 */
const emitter = '5f355b805f5260648106600760205fa2600190038060025700'

export type Work = { readonly emitter: Hex; readonly first: Hex; readonly last: Hex }

/** An account of the mnemonic that all three nodes share. */
export function benchWallet(url: string, chainId: number, addressIndex = 0) {
  const account: Account = mnemonicToAccount(devnetMnemonic, { addressIndex })
  const chain = defineChain({
    id: chainId,
    name: 'bench',
    nativeCurrency: { name: 'coin', symbol: 'C', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  })
  return createWalletClient({ account, chain, transport: http(), pollingInterval: 100 }).extend(
    publicActions,
  )
}

const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n }

export type Emitter = { readonly address: Hex; readonly block: bigint }

export async function deployEmitter(url: string): Promise<Emitter> {
  const wallet = benchWallet(url, Number(await ask<Hex>(url, 'eth_chainId')))
  const size = (emitter.length / 2).toString(16).padStart(2, '0')
  const data: Hex = `0x60${size}8060095f395ff3${emitter}`
  const hash = await wallet.sendTransaction({ data, gas: 200_000n, ...fees })
  const receipt = await wallet.waitForTransactionReceipt({ hash })
  return { address: receipt.contractAddress!, block: receipt.blockNumber }
}

/** A call of the emitter that leaves `count` logs. */
export function emitCall(count: number): Hex {
  return `0x${count.toString(16).padStart(64, '0')}`
}

/** Deploy the contract and have it log; resolves when all of it is mined. */
export async function fillWithLogs(url: string): Promise<Work> {
  const { address, block } = await deployEmitter(url)
  const wallet = benchWallet(url, Number(await ask<Hex>(url, 'eth_chainId')))
  const first = await wallet.getTransactionCount({ address: wallet.account.address })
  let last = block
  const all = allLogs / logsPerTransaction
  for (let done = 0; done < all; done += window) {
    const hashes: Hex[] = []
    for (let sent = done; sent < Math.min(all, done + window); sent++)
      hashes.push(
        await wallet.sendTransaction({
          to: address,
          data: emitCall(logsPerTransaction),
          gas: 2_000_000n,
          nonce: first + sent,
          ...fees,
        }),
      )
    for (const hash of hashes) {
      const receipt = await wallet.waitForTransactionReceipt({ hash, timeout: 600_000 })
      if (receipt.logs.length !== logsPerTransaction) throw new Error(`${url}: logs are missing`)
      if (receipt.blockNumber > last) last = receipt.blockNumber
    }
  }
  return { emitter: address, first: toHex(block), last: toHex(last) }
}

/**
 * Offer `perSecond` transfers from four accounts for `seconds`; how many the node took. They are
 * signed beforehand, so that the load costs this process little.
 */
export async function prepareLoad(
  url: string,
  perSecond: number,
  seconds: number,
): Promise<() => Promise<number>> {
  const chainId = Number(await ask<Hex>(url, 'eth_chainId'))
  const wallets = [1, 2, 3, 4].map((index) => benchWallet(url, chainId, index))
  const signed: Hex[] = []
  for (let i = 0; i < perSecond * seconds; i++) {
    const { account } = wallets[i % wallets.length]!
    const nonce = Math.floor(i / wallets.length)
    const fields = { to: account.address, value: 1n, gas: 21_000n, nonce, chainId, ...fees }
    signed.push(await account.signTransaction!({ type: 'eip1559', ...fields }))
  }
  return async () => {
    let taken = 0
    const began = performance.now()
    for (const [i, raw] of signed.entries()) {
      const due = began + (i * 1_000) / perSecond
      const wait = due - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      await ask(url, 'eth_sendRawTransaction', raw).then(
        () => taken++,
        () => {},
      )
    }
    return taken
  }
}

function toHex(number: bigint): Hex {
  return `0x${number.toString(16)}`
}
