import assert from 'node:assert/strict'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { paymentHistory } from '../../cli/paymentHistory.ts'
import { totalsOf } from '../../cli/payments.ts'
import { connect, type Node } from '../../cli/rpc.ts'
import { sendCall } from '../../cli/transaction.ts'
import { possessionOf } from '../../node/keys.ts'
import { devnetAccount, devnetKeys } from '../../node/keysDevnet.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { weiPerCoin, weiPerGwei } from '../../primitives/brand.ts'
import { toHex } from '../../primitives/bytes.ts'
import type { Hash } from '../../primitives/hash.ts'
import { ProofKind } from '../../registry/job.ts'
import { stakingAbi } from '../../vm/modules/stakingAbi.ts'
import { rpcCall, startDevnet, type TestDevnet, until, untilHeight } from './devnet.ts'
import { openCloudJob, registerClouds, signerOf } from './training.ts'

/** Validators: two who stay, one who leaves, one who lets a lease pass, and one who joins. */
const [stayers, leaver, squatter, joiner] = [[0, 1], 2, 3, 4] as const
/** Accounts: owners of rows, a friend of the joiner, a delegator, customers. */
const [dataOwners, friend, delegator, customers] = [[1, 2], 4, 5, [6, 7, 8]] as const
/** The second owner asks for each row, and lets one customer alone train on them. */
const rowPrice = 1_000_000_007n
const licence = 'CC-BY-4.0'
/** Rows that three leases of 16 steps draw, 16 at a time. */
const drawnRows = 3n * 16n * 16n

const validatorSigner = (index: number) => privateKeyToAccount(toHex(devnetKeys(index).accountKey))
const accountOf = (index: number): Address => devnetAccount(index).address
const staking = { address: moduleAddresses.staking, abi: stakingAbi } as const

type ServiceWire = Readonly<Record<'missed' | 'proposed', string>>
type JobWire = { readonly status: string }
type SetWire = { readonly validators: readonly { readonly address: Address }[] }
type SupplyWire = { readonly balances: string; readonly expected: string }

const served = async (url: string, index: number, what: keyof ServiceWire) =>
  BigInt((await rpcCall<ServiceWire>(url, 'rep_getService', devnetKeys(index).address))[what])
const isFinished = async (url: string, job: Hash) =>
  (await rpcCall<JobWire>(url, 'train_getJob', job)).status === 'finished'

/** What gas, tips and plain transfers moved, by account, in the blocks up to `head`. */
async function plainMoves(node: Node, head: bigint): Promise<ReadonlyMap<string, bigint>> {
  const moves = new Map<string, bigint>()
  const add = (who: string, wei: bigint) =>
    moves.set(who.toLowerCase(), (moves.get(who.toLowerCase()) ?? 0n) + wei)
  const modules = new Set<string>(Object.values(moduleAddresses))
  for (let blockNumber = 1n; blockNumber <= head; blockNumber++) {
    const block = await node.client.getBlock({ blockNumber, includeTransactions: true })
    for (const { hash, from, to, value } of block.transactions) {
      const receipt = await node.client.getTransactionReceipt({ hash })
      const { gasUsed, effectiveGasPrice, status } = receipt
      add(from, -gasUsed * effectiveGasPrice)
      add(block.miner, gasUsed * (effectiveGasPrice - block.baseFeePerGas!))
      if (status !== 'success' || to === null || modules.has(to.toLowerCase())) continue
      add(from, -value)
      add(to, value)
    }
  }
  return moves
}

/** Every wei that came to `account` or left it since genesis has an explanation. */
async function checkExplained(
  node: Node,
  address: Address,
  head: bigint,
  moves: ReadonlyMap<string, bigint>,
): Promise<ReadonlyMap<string, bigint>> {
  const payments = await paymentHistory(node, address, { from: 1n, to: head })
  const balanceAt = (blockNumber: bigint) => node.client.getBalance({ address, blockNumber })
  const change = (await balanceAt(head)) - (await balanceAt(0n))
  // These are taken from the stake.
  const explained = payments
    .filter(({ kind }) => kind !== 'penalty' && kind !== 'slash')
    .reduce((sum, { wei }) => sum + wei, 0n)
  assert.equal(change, explained + (moves.get(address) ?? 0n), `${address}: ${change}`)
  return new Map(Object.entries(totalsOf(payments)))
}

describe('a market of four validators', () => {
  let net: TestDevnet
  beforeAll(async () => {
    const params = {
      epochLength: 4,
      unbondingEpochs: 1,
      idleBlockIntervalMs: 1_000,
      challengeInterval: 4,
      challengeBlocks: 64,
    }
    net = await startDevnet({
      validators: 5,
      seated: 4,
      genesis: { firstJob: false, params },
      flagsOf: (index) => (index === squatter ? ['--sit-out', '1'] : []),
    })
  }, 180_000)
  afterAll(() => net.stop(), 60_000)

  it('settles jobs at three prices while some come and go, and explains every wei', async () => {
    const { rpcUrl: url } = net.nodes[0]!
    const node = await connect(url)
    const leave = async () => {
      const gwei = 1_000_000n * 10n ** 9n
      const call = { ...staking, functionName: 'unbond', args: [gwei] }
      await sendCall(node, validatorSigner(leaver), call)
    }
    const topUp = async () => {
      const value = 500n * weiPerCoin
      const call = { ...staking, functionName: 'bond', args: [], value }
      await sendCall(node, validatorSigner(stayers[0]), call)
    }
    const join = async () => {
      const keys = devnetKeys(joiner)
      const value = 900_000n * weiPerCoin
      const hash = await node
        .wallet(signerOf(friend))
        .sendTransaction({ to: keys.address, value: value + weiPerCoin } as never)
      await node.client.waitForTransactionReceipt({ hash, timeout: 120_000 })
      const args = [keys.publicKey, possessionOf(keys), 50_000_000n, 1n << 32n]
      const call = { ...staking, functionName: 'register', args, value }
      await sendCall(node, validatorSigner(joiner), call)
    }
    const entrust = async () => {
      for (const index of stayers)
        await sendCall(node, signerOf(delegator), {
          ...staking,
          functionName: 'delegate',
          args: [devnetKeys(index).address],
          value: 100_000n * weiPerCoin,
        })
    }
    const trade = async () => {
      const roots = await Promise.all(
        dataOwners.map((owner, i) => {
          const terms = { rowPrice, licence, readers: [accountOf(customers[1])] }
          return registerClouds(url, 256 + 64 * i, owner, i === 1 ? terms : null)
        }),
      )
      const stranger = { owner: customers[0] }
      await assert.rejects(
        openCloudJob(url, roots[1]!, 3, ProofKind.Replay, stranger),
        /NotAllowed/,
      )
      return Promise.all(
        customers.map((owner, i) => {
          const kind = i === 2 ? ProofKind.Replay : ProofKind.StepProof
          const pricePerMac = BigInt(i + 1) * 10n ** 10n
          return openCloudJob(url, roots[i % 2]!, 3, kind, { owner, pricePerMac })
        }),
      )
    }
    const [jobs] = await Promise.all([trade(), entrust(), join(), leave(), topUp()])

    for (const job of jobs) await until(`${job} is finished`, 240_000, () => isFinished(url, job))
    const inSet = async (index: number) => {
      const { validators } = await rpcCall<SetWire>(url, 'val_getSet', await epochOf(node))
      return validators.some(({ address }) => address === devnetKeys(index).address)
    }
    await until('one has left', 120_000, async () => !(await inSet(leaver)))
    await until('one has joined', 120_000, () => inSet(joiner))
    await until('it proposes', 120_000, async () => (await served(url, joiner, 'proposed')) > 0n)
    await sendCall(node, validatorSigner(leaver), {
      ...staking,
      functionName: 'withdraw',
      args: [],
    })
    const earned = () => rewardsOf(node, accountOf(delegator))
    const isSettled = async () =>
      (await earned()).length > 0 && (await served(url, squatter, 'missed')) > 0n
    // Those it trusts, and who lets a lease pass, may have been drawn for none of the leases.
    while (!(await isSettled())) {
      const owner = customers[0]
      const root = await registerClouds(url, 300 + Number(await node.client.getBlockNumber()))
      const job = await openCloudJob(url, root, 4, ProofKind.Replay, { owner })
      await until(`${job} is finished`, 240_000, () => isFinished(url, job))
      await untilHeight(url, (await node.client.getBlockNumber()) + 5n)
    }
    for (const validator of await earned())
      await sendCall(node, signerOf(delegator), {
        ...staking,
        functionName: 'claimReward',
        args: [validator],
      })

    const head = await node.client.getBlockNumber()
    const moves = await plainMoves(node, head)
    const totals = new Map<number, ReadonlyMap<string, bigint>>()
    for (let index = 0; index < 5; index++)
      await checkExplained(node, devnetKeys(index).address, head, moves)
    for (const index of [...dataOwners, friend, delegator, ...customers])
      totals.set(index, await checkExplained(node, accountOf(index), head, moves))
    for (const owner of dataOwners) assert.ok(totals.get(owner)!.has('data'))
    assert.deepEqual(
      dataOwners.map((owner) => totals.get(owner)!.get('rows')),
      [undefined, drawnRows * rowPrice],
    )
    assert.ok(totals.get(delegator)!.has('reward'))
    for (const customer of customers) assert.ok(totals.get(customer)!.has('escrow'))
    await checkSquatter(node, head)
    const { balances, expected } = await rpcCall<SupplyWire>(url, 'val_getSupply')
    assert.equal(balances, expected)
  }, 600_000)
})

/** Who let a lease pass has paid from its stake what is explained. */
async function checkSquatter(node: Node, head: bigint): Promise<void> {
  const { address } = devnetKeys(squatter)
  const payments = await paymentHistory(node, address, { from: 1n, to: head })
  const paid = payments.filter(({ kind }) => kind === 'penalty')
  const stake = await node.client.readContract({
    ...staking,
    functionName: 'validator',
    args: [address],
  })
  const lost = 1_000_000n * weiPerCoin - BigInt(stake.stake) * weiPerGwei
  assert.ok(lost > 0n)
  assert.equal(
    lost,
    paid.reduce((sum, { wei }) => sum - wei, 0n),
  )
}

/** The validators with a reward for `account`. */
async function rewardsOf(node: Node, account: Address): Promise<readonly string[]> {
  const list = await node.client.readContract({
    ...staking,
    functionName: 'delegationsOf',
    args: [account],
  })
  return list.filter(({ reward }) => reward > 0n).map(({ validator }) => validator)
}

async function epochOf(node: Node): Promise<number> {
  return Number(await node.client.readContract({ ...staking, functionName: 'epoch' }))
}
