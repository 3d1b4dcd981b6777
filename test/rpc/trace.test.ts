/** Traces, raw forms, access lists and the rules, on the node's own chain. */
import assert from 'node:assert/strict'
import { Message } from '@ethereumjs/evm'
import { createAddressFromString } from '@ethereumjs/util'
import { toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { fromHex, type Hex } from '../../primitives/bytes.ts'
import { keccakHash } from '../../primitives/hash.ts'
import { callTracer } from '../../rpc/tracers/callTracer.ts'
import { alice, chainId } from '../chain/support.ts'
import { openTestNode, type TestNode } from './testNode.ts'

/** Deploys code that calls the identity precompile, stores 42 in slot 1 and reverts nothing. */
const runtime = '5f5f5f5f5f60045af150602a600155'
const deploy = `0x6e${runtime}5f52600f6011f3` as Hex
const owner = privateKeyToAccount(toHex(alice))

let node: TestNode
let contract: Hex
let deployed: Hex
let called: Hex

const call = (method: string, ...params: readonly unknown[]) => node.running.call(method, ...params)

async function send(nonce: number, to: Hex | null, data: Hex): Promise<Hex> {
  const raw = await owner.signTransaction({
    chainId,
    nonce,
    ...(to === null ? {} : { to }),
    data,
    gas: 200_000n,
    maxFeePerGas: 10n ** 10n,
    maxPriorityFeePerGas: 1n,
  })
  const { result, error } = await call('eth_sendRawTransaction', raw)
  assert.equal(error, undefined)
  await node.mine()
  return result as Hex
}

beforeAll(async () => {
  node = await openTestNode()
  deployed = await send(0, null, deploy)
  const { result } = await call('eth_getTransactionReceipt', deployed)
  contract = (result as { contractAddress: Hex }).contractAddress
  called = await send(1, contract, '0x')
})

afterAll(() => node.stop())

type Frame = { type: string; to: string; gasUsed: string; calls?: Frame[] }

describe('debug_trace', () => {
  it('shows the instructions of a committed transaction', async () => {
    const { result } = await call('debug_traceTransaction', called)
    const { failed, gas, structLogs } = result as {
      failed: boolean
      gas: number
      structLogs: { op: string; gasCost: number; storage?: Record<string, string> }[]
    }
    const { result: receipt } = await call('eth_getTransactionReceipt', called)
    assert.equal(failed, false)
    assert.equal(BigInt(gas), BigInt((receipt as { gasUsed: string }).gasUsed))
    assert.deepEqual(structLogs.map(({ op }) => op).slice(-3), ['PUSH1', 'SSTORE', 'STOP'])
    assert.ok(structLogs.find(({ op }) => op === 'CALL')!.gasCost > 100_000)
    assert.deepEqual(Object.values(structLogs.at(-2)!.storage!), [`0x${'2a'.padStart(64, '0')}`])
  })

  it('shows the tree of calls', async () => {
    const { result } = await call('debug_traceTransaction', called, { tracer: 'callTracer' })
    const root = result as Frame
    assert.equal(root.type, 'CALL')
    assert.equal(root.to, contract)
    assert.deepEqual(
      root.calls!.map(({ type, to }) => [type, BigInt(to)]),
      [['CALL', 4n]],
    )
    const { result: creation } = await call('debug_traceTransaction', deployed, {
      tracer: 'callTracer',
    })
    assert.equal((creation as Frame).type, 'CREATE')
    assert.equal((creation as Frame).to, contract)
  })

  it('shows the state before, and what changed', async () => {
    const config = { tracer: 'prestateTracer', tracerConfig: { diffMode: true } }
    const { result } = await call('debug_traceTransaction', called, config)
    const { pre, post } = result as Record<
      'pre' | 'post',
      Record<string, { nonce?: number; storage?: Record<string, string> }>
    >
    assert.equal(pre[owner.address.toLowerCase()]!.nonce, 1)
    assert.equal(post[owner.address.toLowerCase()]!.nonce, 2)
    assert.equal(pre[contract]!.storage, undefined)
    assert.equal(Object.values(post[contract]!.storage!).length, 1)
  })

  it('traces all of a block, and calls', async () => {
    const { result } = await call('debug_traceBlockByNumber', 'latest', { tracer: 'callTracer' })
    const [only] = result as { txHash: string; result: Frame }[]
    assert.equal(only!.txHash, called)
    const traced = await call('debug_traceCall', { to: contract }, 'latest', {
      tracer: 'callTracer',
    })
    assert.equal((traced.result as Frame).calls!.length, 1)
    const steps = await call('debug_traceCall', { to: contract })
    assert.ok((steps.result as { structLogs: unknown[] }).structLogs.length > 5)
  })

  it('ends before it repeats long call data without end', () => {
    const tracer = callTracer({ onlyTopCall: false, withLog: false }, null)
    const caller = createAddressFromString(owner.address)
    const data = new Uint8Array(1_048_576)
    const inner = () => {
      tracer.enter!(new Message({ caller, to: caller, gasLimit: 1n, data }))
      tracer.exit!({ execResult: { executionGasUsed: 0n, returnValue: new Uint8Array() } })
    }
    tracer.enter!(new Message({ caller, to: caller, gasLimit: 1n }))
    for (let i = 0; i < 8; i++) inner()
    assert.throws(inner, /trace bytes/)
  })

  it('refuses what it does not have or cannot show', async () => {
    const unknown = await call('debug_traceTransaction', `0x${'11'.repeat(32)}`)
    assert.equal(unknown.error?.code, -32000)
    const genesis = await call('debug_traceBlockByNumber', '0x0')
    assert.match(genesis.error!.message, /genesis/)
    const tracer = await call('debug_traceTransaction', called, { tracer: 'muxTracer' })
    assert.equal(tracer.error?.code, -32602)
    const code = { [contract]: { code: '0x5b5f56' } }
    const endless = await call('debug_traceCall', { to: contract }, 'latest', {
      stateOverrides: code,
    })
    assert.match(endless.error!.message, /trace steps \(at most 250000\)|took too long/)
  })
})

describe('raw forms', () => {
  it('hash to what they are', async () => {
    const { result: block } = await call('eth_getBlockByNumber', 'latest', false)
    const { result: header } = await call('debug_getRawHeader', 'latest')
    assert.equal(keccakHash(fromHex(header as Hex)), (block as { hash: string }).hash)
    const { result: transaction } = await call('debug_getRawTransaction', called)
    assert.equal(keccakHash(fromHex(transaction as Hex)), called)
    const { result: receipts } = await call('debug_getRawReceipts', 'latest')
    assert.match((receipts as string[])[0]!, /^0x02f9/)
    const { result: none } = await call('debug_getRawTransaction', `0x${'11'.repeat(32)}`)
    assert.equal(none, '0x')
  })
})

describe('eth_createAccessList', () => {
  it('lists slots and accounts, not what is warm anyway', async () => {
    const { result } = await call('eth_createAccessList', { to: contract })
    const { accessList } = result as { accessList: unknown }
    const slot = `0x${'1'.padStart(64, '0')}`
    assert.deepEqual(accessList, [{ address: contract, storageKeys: [slot] }])
    const { error } = await call('eth_createAccessList', { to: contract, value: '0xffffffff' })
    assert.match(error!.message, /insufficient funds|enough funds/)
  })
})

describe('the rules', () => {
  it('are told', async () => {
    const { result } = await call('eth_config')
    const { current, next } = result as { current: { chainId: string }; next: null }
    assert.equal(BigInt(current.chainId), BigInt(chainId))
    assert.equal(next, null)
    const { result: capabilities } = await call('eth_capabilities')
    assert.deepEqual((capabilities as { state: object }).state, {
      disabled: false,
      oldestBlock: '0x0',
    })
  })
})
