/**
 * One running node for every client of the tests, and money for each of them.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import {
  type Chain,
  createWalletClient,
  defineChain,
  type Hex,
  type HttpTransport,
  http,
  parseEther,
  publicActions,
} from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { devnetAccount } from '../../node/keysDevnet.ts'
import { toHex } from '../../primitives/bytes.ts'
import { startDevnet } from '../e2e/devnet.ts'
import { type Compiled, compileSolidity } from './solidity.ts'

export type LiveNode = {
  readonly http: string
  readonly webSocket: string
  readonly chain: Chain
  readonly comb: Compiled
  /** A fresh account with 100 coins, that nobody else sends from. */
  readonly purse: () => Purse
  readonly stop: () => Promise<void>
}

export type Purse = { readonly key: Hex; readonly account: PrivateKeyAccount }

/** Start a node and fill `purses` accounts. */
export async function openLiveNode(purses: number): Promise<LiveNode> {
  const net = await startDevnet({ validators: 1, genesis: { firstJob: false } })
  const url = net.nodes[0]!.rpcUrl
  const chain = defineChain({
    id: 57_471,
    name: 'waggle-devnet',
    nativeCurrency: { name: 'coin', symbol: 'C', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  })
  const filled = Array.from({ length: purses }, () => {
    const key = generatePrivateKey()
    return { key, account: privateKeyToAccount(key) }
  })
  const waiting = [...filled]
  await fill(chain, filled)
  return {
    http: url,
    webSocket: url.replace('http', 'ws'),
    chain,
    comb: compileSolidity('test/clients/contracts/Comb.sol').Comb!,
    purse: () => {
      const next = waiting.shift()
      assert.ok(next, `more than ${purses} purses`)
      return next
    },
    stop: net.stop,
  }
}

async function fill(chain: Chain, purses: readonly Purse[]): Promise<void> {
  const account = privateKeyToAccount(toHex(devnetAccount(0).privateKey))
  const transport: HttpTransport = http()
  const rich = createWalletClient({ account, chain, transport, pollingInterval: 100 }).extend(
    publicActions,
  )
  const hashes: Hex[] = []
  for (const [nonce, purse] of purses.entries())
    hashes.push(
      await rich.sendTransaction({
        to: purse.account.address,
        value: parseEther('100'),
        nonce,
        gas: 21_000n,
        maxFeePerGas: 10n ** 10n,
        maxPriorityFeePerGas: 1n,
      }),
    )
  for (const hash of hashes) await rich.waitForTransactionReceipt({ hash })
}

export type Program = { readonly stop: () => Promise<void>; readonly output: () => string }

/** Run a program until it says `ready`. */
export async function startProgram(
  file: string,
  args: readonly string[],
  ready: RegExp,
): Promise<Program> {
  const child: ChildProcess = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
  await new Promise<void>((resolve, reject) => {
    const hear = (data: Uint8Array) => {
      output += String(data)
      if (ready.test(output)) resolve()
    }
    child.stdout!.on('data', hear)
    child.stderr!.on('data', hear)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`${file} ended: ${output}`)))
  })
  const stop = async () => {
    child.kill()
    await ended
  }
  return { stop, output: () => output }
}

/** Programs of Foundry are built for this machine alone. */
export const hasFoundry: boolean = process.platform === 'linux' && process.arch === 'x64'

export function foundry(program: 'cast' | 'forge' | 'anvil'): string {
  return `node_modules/@foundry-rs/${program}-linux-amd64/bin/${program}`
}
