/**
 * Execution: blocks of transfers, built, sealed, committed with a real signature and written to disk by
 * one validator, in this process.
 *
 * `transfers_per_s` counts building and committing; `judge_ms` is what a voter spends on such a block.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Candidate } from '../chain/builder.ts'
import { type Chain, createChain } from '../chain/chain.ts'
import { encodeCommit } from '../chain/commit.ts'
import { envelopeHashOf } from '../chain/envelope.ts'
import { packagedGenesis } from '../cli/dataDir.ts'
import { devnetGenesis } from '../cli/devnetGenesis.ts'
import { sign, signReveal } from '../consensus/bls.ts'
import { VoteKind, voteSignBytes } from '../consensus/messages.ts'
import { openAccount } from '../node/account.ts'
import { devnetAccount, devnetKeys } from '../node/keysDevnet.ts'
import { chainRules } from '../node/rules.ts'
import { parseGenesis } from '../params/genesis.ts'
import { systemClock } from '../primitives/clock.ts'
import { invariant } from '../primitives/result.ts'
import { validatorSetHash } from '../registry/validatorSet.ts'
import { openLevel } from '../storage/level.ts'
import { decodeTransaction, type Transaction } from '../vm/transaction.ts'
import type { Benchmark } from './main.ts'
import { median } from './measure.ts'

const transfersPerBlock = 500
const blocks = 6
const validator = devnetKeys(0)

export const benchmark: Benchmark = {
  summary: 'transfers executed, sealed and stored by one validator',
  async run(report, wanted) {
    const name = 'validators-1'
    if (!wanted(name)) return
    const folder = await mkdtemp(join(tmpdir(), 'waggle-bench-'))
    const store = await openLevel(join(folder, 'chain'))
    const peer = await openLevel(join(folder, 'peer'))
    try {
      const chain = await openChain(store)
      const voter = await openChain(peer)
      const sealed: number[] = []
      const judged: number[] = []
      for (let block = 0; block < blocks; block++) {
        const transfers = await makeTransfers(chain, block * transfersPerBlock)
        const { ms, judgeMs } = await oneBlock(chain, voter, transfers)
        sealed.push((1_000 * transfersPerBlock) / ms)
        judged.push(judgeMs)
      }
      const rate = median(sealed.slice(1))
      report({ case: name, metric: 'transfers_per_s', value: rate, unit: '1/s' })
      report({ case: name, metric: 'mgas_per_s', value: (rate * 21_000) / 1e6, unit: 'Mgas/s' })
      report({ case: name, metric: 'judge_ms', value: median(judged.slice(1)), unit: 'ms' })
    } finally {
      await store.close()
      await peer.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
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

/** Transfers of the first devnet account, signed beforehand. */
async function makeTransfers(chain: Chain, nonce: number): Promise<readonly Transaction[]> {
  const account = openAccount(devnetAccount(0).privateKey)
  const transfers: Transaction[] = []
  for (let i = 0; i < transfersPerBlock; i++) {
    const bytes = await account.sign({
      chainId: chain.genesis.chainId,
      nonce: BigInt(nonce + i),
      to: devnetAccount(1 + (i % 9)).address,
      data: '0x',
      gas: 21_000n,
      maxFeePerGas: 100_000_000_000n,
      maxPriorityFeePerGas: 1_000_000_000n,
    })
    const decoded = decodeTransaction(chain.rules.engine, bytes)
    invariant(decoded.ok, 'our own transfer decodes')
    transfers.push(decoded.value)
  }
  return transfers
}

async function oneBlock(
  chain: Chain,
  voter: Chain,
  transfers: readonly Transaction[],
): Promise<{ readonly ms: number; readonly judgeMs: number }> {
  const height = chain.head().height + 1n
  const { chainId } = chain.genesis
  const candidates: readonly Candidate[] = transfers.map((transaction) => ({ transaction }))
  const started = performance.now()
  const built = await chain.build(
    {
      candidates,
      coinbase: validator.address,
      reveal: signReveal(validator.votingKey, chainId, height),
      parentCommit: (await chain.commitAt(height - 1n)) ?? new Uint8Array(),
      evidence: [],
      timestamp: chain.head().header.timestamp + 1n,
    },
    systemClock,
  )
  invariant(built.ok && built.value.skipped.length === 0, 'every transfer fits')
  const { envelope } = built.value
  const commit = await commitOf(chain, envelope, height)
  invariant((await chain.commit(envelope, commit)).ok, 'our own block commits')
  const ms = performance.now() - started
  const judging = performance.now()
  invariant((await voter.judge(envelope)).ok, 'a voter agrees')
  const judgeMs = performance.now() - judging
  invariant((await voter.commit(envelope, commit)).ok, 'a voter commits')
  return { ms, judgeMs }
}

async function commitOf(chain: Chain, envelope: Uint8Array, height: bigint): Promise<Uint8Array> {
  const set = (await chain.setAt(height))!
  const vote = {
    kind: VoteKind.Precommit,
    height,
    round: 0,
    hash: envelopeHashOf(envelope),
    validatorsHash: validatorSetHash(set),
  }
  const signature = sign(validator.votingKey, voteSignBytes(chain.genesis.chainId, vote))
  return encodeCommit({
    height,
    round: 0,
    envelopeHash: vote.hash,
    validatorsHash: vote.validatorsHash,
    bitmap: Uint8Array.of(1),
    signature,
  })
}
