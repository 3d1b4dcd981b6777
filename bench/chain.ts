/**
 * The chain: transfers, token transfers and gas per second, from the first transaction sent over RPC
 * to the last one final, on a network of one and of four validators, on anvil and on Hardhat's node:
 * all on this machine, one after the other, with the same transactions.
 *
 * `build_per_s` is what one proposer packs, seals and stores in this process; `judge_ms` is what a
 * voter, who has never seen the transactions, spends on a block of 500.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hex } from 'viem'
import type { Candidate } from '../chain/builder.ts'
import { type Chain, createChain } from '../chain/chain.ts'
import { packagedGenesis } from '../cli/dataDir.ts'
import { freePorts, launchDevnet } from '../cli/devnet.ts'
import { devnetGenesis } from '../cli/devnetGenesis.ts'
import { chainRules } from '../node/rules.ts'
import { parseGenesis } from '../params/genesis.ts'
import type { Address } from '../primitives/address.ts'
import { fromHex } from '../primitives/bytes.ts'
import { keccakHash } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import { openLevel } from '../storage/level.ts'
import { decodeTransaction, type Transaction } from '../vm/transaction.ts'
import { ask, openSigner, secondsFor, senders } from './chainLoad.ts'
import type { Benchmark, Row } from './main.ts'
import { median } from './measure.ts'
import { openAnvil, openHardhat } from './otherNodes.ts'
import { buildNext, commitNext } from './sealing.ts'

/** Of each sender, before anything is measured: programs that are new to what they do are slower. */
const warmUpEach = 20
const tokenWarmUpEach = 4
const transfersEach = 24
const tokenTransfersEach = 8
const transfersPerBlock = 500
const blocks = 6

type Network = { readonly urls: readonly string[]; readonly stop: () => Promise<void> }

export const benchmark: Benchmark = {
  summary: 'transfers and token transfers on 1 and 4 validators, anvil and Hardhat',
  async run(report, wanted) {
    const networks: Readonly<Record<string, () => Promise<Network>>> = {
      'validators-1': () => openWaggle(1),
      'validators-4': () => openWaggle(4),
      // Mining each at once it forgets to go on when hundreds wait.
      anvil: () =>
        openAnvil(['--block-time', '1']).then(({ url, stop }) => ({ urls: [url], stop })),
      hardhat: () => openHardhat().then(({ url, stop }) => ({ urls: [url], stop })),
    }
    for (const [name, open] of Object.entries(networks)) {
      if (!wanted(name)) continue
      if (name === 'validators-1') await inProcess(name, report)
      const network = await open()
      try {
        await throughRpc(name, network.urls, report)
      } finally {
        await network.stop()
      }
    }
  },
}

async function openWaggle(validators: number): Promise<Network> {
  const dataDir = await mkdtemp(join(tmpdir(), 'waggle-bench-'))
  const ports = await freePorts(2 * validators)
  const net = await launchDevnet({
    validators,
    dataDir,
    rpcPorts: ports.slice(0, validators),
    p2pPorts: ports.slice(validators),
    genesis: { firstJob: false },
  })
  const stop = async () => {
    await net.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  return { urls: net.nodes.map(({ rpcUrl }) => rpcUrl), stop }
}

async function throughRpc(
  name: string,
  urls: readonly string[],
  report: (row: Row) => void,
): Promise<void> {
  const rate = (metric: string, value: number, unit: string) =>
    report({ case: name, metric, value, unit })
  const signer = await openSigner(Number(await ask<Hex>(urls[0]!, 'eth_chainId')))
  const funding = signer.funding()
  const funded = signer.funders.map((funder, i) => [funder, funding[i]!.length] as const)
  await secondsFor(urls, funding, funded)
  const everyone = (nonce: number) => signer.senders.map((sender) => [sender, nonce] as const)
  const deployment = signer.tokenDeployment()
  await secondsFor(urls.slice(0, 1), [[deployment]], everyone(1).slice(0, 1))
  const token = (await receiptOf(urls[0]!, deployment)).contractAddress
  // The deployment was the first sender's first.
  const warmUp = signer.transfers(0, warmUpEach).map((list, i) => list.slice(i === 0 ? 1 : 0))
  await secondsFor(urls, warmUp, everyone(warmUpEach))
  const stream = signer.transfers(warmUpEach, transfersEach)
  const count = senders * transfersEach
  const sent = warmUpEach + transfersEach
  const seconds = await secondsFor(urls, stream, everyone(sent))
  rate('transfers_per_s', count / seconds, '1/s')
  rate('transfer_mgas_per_s', (count * 0.021) / seconds, 'Mgas/s')
  const tokensFrom = sent + tokenWarmUpEach
  const firstTokens = signer.tokenTransfers(token, sent, tokenWarmUpEach)
  await secondsFor(urls, firstTokens, everyone(tokensFrom))
  const tokens = signer.tokenTransfers(token, tokensFrom, tokenTransfersEach)
  const tokenSeconds = await secondsFor(urls, tokens, everyone(tokensFrom + tokenTransfersEach))
  const perSecond = (senders * tokenTransfersEach) / tokenSeconds
  const { gasUsed } = await receiptOf(urls[0]!, tokens.at(-1)!.at(-1)!)
  rate('erc20_per_s', perSecond, '1/s')
  rate('mgas_per_s', (perSecond * Number(gasUsed)) / 1e6, 'Mgas/s')
}

type Receipt = { readonly contractAddress: Address; readonly gasUsed: Hex; readonly status: Hex }

async function receiptOf(url: string, raw: Hex): Promise<Receipt> {
  const receipt = await ask<Receipt>(url, 'eth_getTransactionReceipt', keccakHash(fromHex(raw)))
  invariant(receipt.status === '0x1', `${url}: a transaction of the benchmark failed`)
  return receipt
}

async function inProcess(name: string, report: (row: Row) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-bench-'))
  const store = await openLevel(join(folder, 'chain'))
  const peer = await openLevel(join(folder, 'peer'))
  try {
    const chain = await openChain(store)
    const voter = await openChain(peer)
    const signer = await openSigner(chain.genesis.chainId)
    await oneBlock(chain, voter, decoded(chain, signer.funding().flat()))
    const stream = signer.transfers(0, Math.ceil((blocks * transfersPerBlock) / senders))
    const order = stream[0]!.flatMap((_, i) => stream.map((list) => list[i]!))
    const sealed: number[] = []
    const judged: number[] = []
    for (let block = 0; block < blocks; block++) {
      const part = order.slice(block * transfersPerBlock, (block + 1) * transfersPerBlock)
      const { ms, judgeMs } = await oneBlock(chain, voter, decoded(chain, part))
      sealed.push((1_000 * transfersPerBlock) / ms)
      judged.push(judgeMs)
    }
    const rate = median(sealed.slice(1))
    report({ case: name, metric: 'build_per_s', value: rate, unit: '1/s' })
    report({ case: name, metric: 'judge_ms', value: median(judged.slice(1)), unit: 'ms' })
  } finally {
    await store.close()
    await peer.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function decoded(chain: Chain, raws: readonly Hex[]): readonly Transaction[] {
  return raws.map((raw) => {
    const transaction = decodeTransaction(chain.rules.engine, fromHex(raw))
    invariant(transaction.ok, 'our own transaction decodes')
    return transaction.value
  })
}

async function openChain(store: Awaited<ReturnType<typeof openLevel>>): Promise<Chain> {
  const text = devnetGenesis(await readFile(packagedGenesis, 'utf8'), 1, {
    firstJob: false,
    // What is measured is the speed, not where the builder stops.
    params: { executionBudgetMs: 10_000 },
  })
  const genesis = parseGenesis(text)
  invariant(genesis.ok, 'the packaged genesis parses')
  return createChain(store, genesis.value, await chainRules(genesis.value))
}

async function oneBlock(
  chain: Chain,
  voter: Chain,
  transfers: readonly Transaction[],
): Promise<{ readonly ms: number; readonly judgeMs: number }> {
  const candidates: readonly Candidate[] = transfers.map((transaction) => ({ transaction }))
  const started = performance.now()
  const built = await buildNext(chain, candidates)
  invariant(built.ok && built.value.skipped.length === 0, 'every transfer fits')
  const { envelope } = built.value
  const commit = await commitNext(chain, envelope)
  invariant((await chain.commit(envelope, commit)).ok, 'our own block commits')
  const ms = performance.now() - started
  const judging = performance.now()
  invariant((await voter.judge(envelope)).ok, 'a voter agrees')
  const judgeMs = performance.now() - judging
  invariant((await voter.commit(envelope, commit)).ok, 'a voter commits')
  return { ms, judgeMs }
}
