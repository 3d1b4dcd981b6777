import assert from 'node:assert/strict'
import {
  decodeErrorResult,
  decodeFunctionResult,
  encodeFunctionData,
  getContractAddress,
} from 'viem'
import { describe, it } from 'vitest'
import { publicKeyOf } from '../../consensus/bls.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Address, addressOfKey, parseAddress } from '../../primitives/address.ts'
import { weiPerGwei } from '../../primitives/brand.ts'
import { fromHex, type Hex, toHex } from '../../primitives/bytes.ts'
import { hashOf } from '../../primitives/hash.ts'
import { provePossession } from '../../primitives/possession.ts'
import { jobsAbi } from '../../vm/modules/jobsAbi.ts'
import { registryAbi } from '../../vm/modules/registry.ts'
import { reputationAbi } from '../../vm/modules/reputation.ts'
import { stakingAbi } from '../../vm/modules/stakingAbi.ts'
import { treasuryAbi } from '../../vm/modules/treasury.ts'
import { advance, alice, bob, openTestChain, signed, type TestChain } from '../chain/support.ts'
import { creation, forward, returnFlagAndData } from './contracts.ts'

const root = hashOf('rows')
const spec = {
  proofKind: 0,
  dataset: root,
  layers: [8, 4, 2],
  batch: 4,
  steps: 16,
  leaseSteps: 16,
  fractionBits: 16,
  forwardShifts: [6, 6],
  schedule: [{ fromStep: 0, updateShifts: [0, 0], backwardShifts: [5] }],
  initBound: 16,
  pricePerMac: 1_000_000n,
  heldOut: { dataset: root, rows: 0 },
} as const

type Sent = { readonly succeeded: boolean; readonly logs: number }

/** One transaction in a block of its own. */
async function send(
  { chain, engine }: TestChain,
  key: Uint8Array,
  to: Address | undefined,
  data: Hex,
  value = 0n,
): Promise<Sent> {
  const gasLimit = 8_000_000n
  const fields = { data, value, gasLimit, ...(to === undefined ? {} : { to }) }
  const { outcome } = await advance(chain, [signed(engine, key, fields)])
  const receipt = outcome.receipts[0]
  assert.ok(receipt, 'the transaction was left out')
  return { succeeded: receipt.succeeded, logs: receipt.logs.length }
}

/** What a call would return, or the bytes it reverts with. */
async function ask(
  { chain }: TestChain,
  to: Address,
  data: Hex,
  from: Address = addressOfKey(alice),
  value = 0n,
) {
  const fees = { maxFeePerGas: null, maxPriorityFeePerGas: null, accessList: null }
  const request = { from, to, gas: 8_000_000n, value, data: fromHex(data), ...fees }
  const outcome = await chain.call(
    { ...request, authorizationList: null } as Parameters<typeof chain.call>[0],
    chain.head().height,
  )
  assert.ok(outcome !== null)
  return outcome
}

const registerRows = encodeFunctionData({
  abi: registryAbi,
  functionName: 'registerDataset',
  args: [root, 'rows', hashOf('blob'), 100, 8, 2],
})
const openData = encodeFunctionData({ abi: jobsAbi, functionName: 'open', args: [spec] })

async function escrowOf(test: TestChain): Promise<bigint> {
  const data = encodeFunctionData({ abi: jobsAbi, functionName: 'quote', args: [spec] })
  const { returnData } = await ask(test, moduleAddresses.jobs, data)
  const [escrow, openFee] = decodeFunctionResult({
    abi: jobsAbi,
    functionName: 'quote',
    data: toHex(returnData),
  })
  return escrow + openFee
}

/** A contract that passes calls with their value on to `to`, and returns flag and data. */
async function forwarder(test: TestChain, to: Address): Promise<Address> {
  const { nonce } = await (await test.chain.readAt(test.chain.head().height))!.account(
    addressOfKey(bob),
  )
  // CALLVALUE (34) as the value of the inner call.
  const code = `0x${creation(forward('call', to, '34') + returnFlagAndData).slice(2)}` as Hex
  assert.ok((await send(test, bob, undefined, code)).succeeded)
  const address = parseAddress(getContractAddress({ from: addressOfKey(bob), nonce }))
  assert.ok(address.ok)
  return address.value
}

describe('native modules', () => {
  it('open a job for a contract, with its money, and call it the owner', async () => {
    const test = await openTestChain()
    assert.ok((await send(test, alice, moduleAddresses.registry, registerRows)).succeeded)
    const contract = await forwarder(test, moduleAddresses.jobs)
    const value = await escrowOf(test)
    const sent = await send(test, alice, contract, openData, value)
    assert.deepEqual(sent, { succeeded: true, logs: 1 })
    const data = encodeFunctionData({ abi: jobsAbi, functionName: 'activeJobs' })
    const jobs = await ask(test, moduleAddresses.jobs, data)
    const [id] = decodeFunctionResult({
      abi: jobsAbi,
      functionName: 'activeJobs',
      data: toHex(jobs.returnData),
    })
    const jobData = encodeFunctionData({ abi: jobsAbi, functionName: 'job', args: [id!] })
    // Read through the contract as well: modules answer contracts as they answer accounts.
    const { returnData } = await ask(test, contract, jobData)
    assert.equal(returnData[31], 1, 'the inner call succeeded')
    const state = decodeFunctionResult({
      abi: jobsAbi,
      functionName: 'job',
      data: toHex(returnData.subarray(32)),
    })
    assert.equal(state.owner.toLowerCase(), contract)
    assert.equal(state.steps, 16)
  })

  it('take certificates from transactions only', async () => {
    const test = await openTestChain()
    const contract = await forwarder(test, moduleAddresses.jobs)
    const zero = hashOf('none')
    const data = encodeFunctionData({
      abi: jobsAbi,
      functionName: 'certify',
      args: [zero, 0, zero, zero, zero, [], 0n, zero],
    })
    const { returnData } = await ask(test, contract, data)
    assert.equal(returnData[31], 0)
    const error = decodeErrorResult({ abi: jobsAbi, data: toHex(returnData.subarray(32)) })
    assert.equal(error.errorName, 'TopLevelOnly')
  })

  it('say in ABI errors what a rule refused, with its numbers', async () => {
    const test = await openTestChain()
    await send(test, alice, moduleAddresses.registry, registerRows)
    const value = await escrowOf(test)
    const errorOf = async (to: Address, data: Hex, sent = 0n) => {
      const outcome = await ask(test, to, data, addressOfKey(alice), sent)
      assert.equal(outcome.ok, false)
      const abi = [...jobsAbi, ...registryAbi, ...stakingAbi]
      const { errorName, args } = decodeErrorResult({
        abi,
        data: toHex(outcome.returnData),
      })
      return [errorName, ...((args as readonly unknown[] | undefined) ?? [])]
    }
    const { jobs, registry, staking } = moduleAddresses
    assert.deepEqual(await errorOf(jobs, openData, value - 1n), ['WrongEscrow', value, value - 1n])
    assert.deepEqual(await errorOf(registry, registerRows), ['Known', root])
    const unpriced = { ...spec, pricePerMac: 1n }
    assert.deepEqual(
      await errorOf(
        jobs,
        encodeFunctionData({ abi: jobsAbi, functionName: 'open', args: [unpriced] }),
      ),
      ['OutOfRange', 'pricePerMac', 1n, 1_000_000n, (1n << 96n) - 1n],
    )
    assert.deepEqual(
      await errorOf(
        jobs,
        encodeFunctionData({
          abi: jobsAbi,
          functionName: 'open',
          args: [{ ...spec, proofKind: 2 }],
        }),
      ),
      ['ProofKindUnavailable', 2],
    )
    const bond = encodeFunctionData({ abi: stakingAbi, functionName: 'bond' })
    const sender = addressOfKey(alice)
    assert.deepEqual(
      (await errorOf(staking, bond, weiPerGwei)).map((part) => String(part).toLowerCase()),
      ['unknown', sender],
    )
  })

  it('refuse numbers that nothing could be worked out from, so that a block can hold the call', async () => {
    const test = await openTestChain()
    await send(test, alice, moduleAddresses.registry, registerRows)
    const unfit = [
      { ...spec, leaseSteps: 0 },
      { ...spec, steps: 0, leaseSteps: 0 },
      { ...spec, layers: [] },
      { ...spec, layers: [8] },
      { ...spec, steps: 2 ** 32 - 1, batch: 2 ** 32 - 1, pricePerMac: (1n << 128n) - 1n },
    ]
    const { jobs } = moduleAddresses
    for (const changed of unfit) {
      const data = encodeFunctionData({ abi: jobsAbi, functionName: 'quote', args: [changed] })
      const { returnData } = await ask(test, jobs, data)
      const { errorName } = decodeErrorResult({ abi: jobsAbi, data: toHex(returnData) })
      assert.equal(errorName, 'OutOfRange')
      assert.equal((await send(test, alice, jobs, data)).succeeded, false)
      const open = encodeFunctionData({ abi: jobsAbi, functionName: 'open', args: [changed] })
      assert.equal((await send(test, alice, jobs, open)).succeeded, false)
    }
  })

  it('say that nothing was missed also before the first attempt starts', async () => {
    const test = await openTestChain()
    await send(test, alice, moduleAddresses.registry, registerRows)
    assert.ok(
      (await send(test, alice, moduleAddresses.jobs, openData, await escrowOf(test))).succeeded,
    )
    const { returnData } = await ask(
      test,
      moduleAddresses.jobs,
      encodeFunctionData({ abi: jobsAbi, functionName: 'activeJobs' }),
    )
    const [id] = decodeFunctionResult({
      abi: jobsAbi,
      functionName: 'activeJobs',
      data: toHex(returnData),
    })
    const data = encodeFunctionData({ abi: jobsAbi, functionName: 'expire', args: [id!] })
    const refused = await ask(test, moduleAddresses.jobs, data)
    const { errorName, args } = decodeErrorResult({ abi: jobsAbi, data: toHex(refused.returnData) })
    assert.deepEqual([errorName, args], ['NothingMissed', [0n]])
    assert.equal((await send(test, alice, moduleAddresses.jobs, data)).succeeded, false)
  })

  it('stake with a proven key, add, leave after the delay, and pay out to the wei', async () => {
    const test = await openTestChain()
    const { staking } = moduleAddresses
    const secret = new Uint8Array(32).fill(9)
    const publicKey = publicKeyOf(secret)
    const register = (possession: Uint8Array) =>
      encodeFunctionData({
        abi: stakingAbi,
        functionName: 'register',
        args: [publicKey, toHex(possession), 5n, 1_000n],
      })
    const stake = 2_000_000_000n * weiPerGwei
    const forged = provePossession(new Uint8Array(32).fill(8))
    assert.equal((await send(test, alice, staking, register(forged), stake)).succeeded, false)
    const proven = await send(test, alice, staking, register(provePossession(secret)), stake)
    assert.deepEqual(proven, { succeeded: true, logs: 1 })
    const call = (functionName: 'bond' | 'withdraw') =>
      encodeFunctionData({ abi: stakingAbi, functionName })
    assert.ok((await send(test, alice, staking, call('bond'), weiPerGwei)).succeeded)
    const unbond = encodeFunctionData({
      abi: stakingAbi,
      functionName: 'unbond',
      args: [2_000_000_001n],
    })
    assert.ok((await send(test, alice, staking, unbond)).succeeded)
    assert.equal((await send(test, alice, staking, call('withdraw'))).succeeded, false)
    while (test.chain.head().height < 5n * 4n) await advance(test.chain)
    const held = async () =>
      (await (await test.chain.readAt(test.chain.head().height))!.account(staking)).balance
    const before = await held()
    assert.ok((await send(test, alice, staking, call('withdraw'))).succeeded)
    assert.equal(await held(), before - 2_000_000_001n * weiPerGwei)
  })

  it('let validators only propose what the treasury pays', async () => {
    const test = await openTestChain()
    const { treasury } = moduleAddresses
    const args = [addressOfKey(bob), 5n, 'thanks'] as const
    const data = encodeFunctionData({ abi: treasuryAbi, functionName: 'proposeGrant', args })
    const refused = await ask(test, treasury, data)
    const error = decodeErrorResult({ abi: treasuryAbi, data: toHex(refused.returnData) })
    assert.equal(error.errorName, 'NotMember')
    const proposed = await ask(test, treasury, data, test.chain.genesis.validators[0]!.address)
    assert.equal(BigInt(toHex(proposed.returnData)), 1n)
    const list = encodeFunctionData({ abi: treasuryAbi, functionName: 'openProposals' })
    const { returnData } = await ask(test, treasury, list)
    const ids = {
      abi: treasuryAbi,
      functionName: 'openProposals',
      data: toHex(returnData),
    } as const
    assert.deepEqual(decodeFunctionResult(ids), [])
  })

  it('show reputation to anyone, and let nobody write it', async () => {
    const test = await openTestChain()
    const data = encodeFunctionData({
      abi: reputationAbi,
      functionName: 'reputationOf',
      args: [addressOfKey(bob)],
    })
    const { returnData } = await ask(test, moduleAddresses.reputation, data)
    assert.equal(BigInt(toHex(returnData)), 0n)
    const writers = reputationAbi.filter(
      (item) => item.type === 'function' && item.stateMutability !== 'view',
    )
    assert.deepEqual(writers, [])
  })
})
