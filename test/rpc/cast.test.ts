/** The command line tool that operators know, against a node that makes a block for each transaction. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import { addressOfKey } from '../../primitives/address.ts'
import { toHex } from '../../primitives/bytes.ts'
import { alice, hashText } from '../chain/support.ts'
import { openTestNode, type TestNode } from './testNode.ts'

const binary = 'node_modules/@foundry-rs/cast-linux-amd64/bin/cast'
const isSupported = process.platform === 'linux' && process.arch === 'x64'

/** Stores 42, returns it and logs it under topic 7. */
const code = '602a5f55602a5f52600760205fa160205ff3'
const someone = `0x${'00'.repeat(19)}aa`

let node: TestNode
let mining = true

beforeAll(async () => {
  node = await openTestNode()
  mineAll().catch(assert.fail)
})

afterAll(async () => {
  mining = false
  await node.stop()
})

async function mineAll(): Promise<void> {
  while (mining) {
    if (node.waiting() > 0) await node.mine()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function cast(...args: readonly string[]): Promise<string> {
  const env = { ETH_RPC_URL: `http://127.0.0.1:${node.running.port}` }
  const { stdout } = await promisify(execFile)(binary, args, { env })
  return stdout.trim()
}

const send = async (...args: readonly string[]) =>
  JSON.parse(await cast('send', '--json', '--private-key', toHex(alice), ...args)) as {
    readonly status: string
    readonly contractAddress: string | null
    readonly blockNumber: string
  }

describe.runIf(isSupported)('cast', () => {
  it('reads the chain', async () => {
    assert.equal(await cast('chain-id'), '57005')
    assert.equal(await cast('block-number'), '0')
    assert.equal(await cast('balance', addressOfKey(alice)), '1000000000000000000000')
    assert.match(await cast('block', 'latest'), /gasLimit +30000000/)
    assert.match(await cast('client'), /^waggle/)
    assert.equal(await cast('call', moduleAddresses.jobs, 'jobCount()(uint256)'), '0')
  })

  it('sends and waits', async () => {
    const receipt = await send(someone, '--value', '1ether')
    assert.equal(receipt.status, '0x1')
    assert.equal(await cast('balance', someone), '1000000000000000000')
    assert.equal(await cast('nonce', addressOfKey(alice)), '1')
  })

  it('deploys, calls and finds logs', async () => {
    const { contractAddress } = await send('--create', `0x60128060095f395ff3${code}`)
    assert.equal(await cast('code', contractAddress!), `0x${code}`)
    assert.equal(BigInt(await cast('call', contractAddress!)), 42n)
    const { blockNumber } = await send(contractAddress!)
    const logs = await cast('logs', '--json', '--address', contractAddress!, '--from-block', '0')
    const [log] = JSON.parse(logs) as { blockNumber: string; topics: string[]; data: string }[]
    assert.equal(log?.blockNumber, blockNumber)
    assert.equal(BigInt(log?.topics[0] ?? 0), 7n)
    assert.equal(BigInt(await cast('storage', contractAddress!, '0')), 42n)
    assert.match(await cast('proof', contractAddress!, '0'), /"value":"0x2a"/)
  })

  it('is told the custom error of a native module', async () => {
    const cancelled = send(moduleAddresses.jobs, 'cancel(bytes32)', hashText('no job'))
    await assert.rejects(cancelled, /execution reverted.*0x137ac6a2/)
  })
})
