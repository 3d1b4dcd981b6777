/** Which methods there are: the public specification's, Otterscan's and ours, and nothing by accident. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Address } from '../../primitives/address.ts'
import { type Running, run } from './client.ts'
import { modulesAround } from './modules.ts'
import { smallChain } from './smallChain.ts'

/** @see https://github.com/ethereum/execution-apis, the methods of namespaces that clients use */
const specified = {
  web3_: 'clientVersion sha3',
  net_: 'version listening peerCount',
  eth_: `chainId syncing coinbase accounts blockNumber config capabilities mining hashrate
    getBlockByHash getBlockByNumber getBlockTransactionCountByHash getBlockTransactionCountByNumber
    getUncleCountByBlockHash getUncleCountByBlockNumber getBlockReceipts
    call estimateGas createAccessList simulateV1
    gasPrice blobBaseFee baseFee maxPriorityFeePerGas feeHistory
    newFilter newBlockFilter newPendingTransactionFilter uninstallFilter getFilterChanges
    getFilterLogs getLogs sign signTransaction sendTransaction sendRawTransaction
    getBalance getStorageAt getStorageValues getTransactionCount getCode getProof
    getTransactionByHash getTransactionByBlockHashAndIndex getTransactionByBlockNumberAndIndex
    getTransactionReceipt subscribe unsubscribe`,
  debug_: `getRawHeader getRawBlock getRawTransaction getRawReceipts getBadBlocks
    traceTransaction traceBlockByNumber traceBlockByHash traceCall`,
  txpool_: 'status content contentFrom',
  erigon_: 'getHeaderByNumber',
  ots_: `searchTransactionsBefore searchTransactionsAfter getApiLevel hasCode getBlockDetails getBlockDetailsByHash getBlockTransactions
    getInternalOperations traceTransaction getTransactionError getTransactionBySenderAndNonce
    getContractCreator`,
} as const

let node: Running
let validator: Running

beforeAll(async () => {
  const { modules } = modulesAround(smallChain().chain)
  const coinbase = `0x${'cb'.repeat(20)}` as Address
  node = await run(modules)
  validator = await run({ ...modules, net: { ...modules.net, coinbase } })
})

afterAll(async () => {
  await node.server.stop()
  await validator.server.stop()
})

describe('methods', () => {
  it('are all that the specifications name', async () => {
    const { result } = await node.call('rpc.discover')
    const { methods } = result as { readonly methods: readonly { readonly name: string }[] }
    const names = new Set(methods.map(({ name }) => name))
    const wanted = Object.entries(specified).flatMap(([prefix, list]) =>
      list.split(/\s+/).map((name) => prefix + name),
    )
    assert.deepEqual(
      wanted.filter((name) => !names.has(name)),
      [],
    )
  })

  it('beyond them are refused as unknown', async () => {
    for (const name of [
      'eth_getWork',
      'eth_submitWork',
      'engine_newPayloadV4',
      'admin_peers',
      'miner_start',
      'personal_unlockAccount',
      'debug_setHead',
      'eth_',
      '',
    ])
      assert.equal((await node.call(name)).error?.code, -32601, name)
  })

  it('that need keys check their parameters and say that there are none', async () => {
    const address = `0x${'11'.repeat(20)}`
    for (const [name, ...params] of [
      ['eth_sign', address, '0x00'],
      ['eth_signTransaction', { from: address }],
      ['eth_sendTransaction', { from: address }],
    ] as const) {
      const { error } = await node.call(name, ...params)
      assert.equal(error?.code, -32000, name)
      assert.match(error.message, /^unknown account/, name)
      assert.equal((await node.call(name, 7)).error?.code, -32602, name)
    }
  })

  it('tell who is paid for blocks, where somebody is', async () => {
    assert.equal((await validator.call('eth_coinbase')).result, `0x${'cb'.repeat(20)}`)
    assert.equal((await validator.call('eth_mining')).result, true)
    assert.equal((await node.call('eth_coinbase')).error?.message, 'coinbase not found')
    assert.equal((await node.call('eth_mining')).result, false)
    assert.equal((await node.call('eth_hashrate')).result, '0x0')
    assert.deepEqual((await node.call('debug_getBadBlocks')).result, [])
  })
})

describe('a WebSocket beyond the bound', () => {
  it('is refused with the bound', async () => {
    const { modules } = modulesAround(smallChain().chain)
    const small = await run(modules, { limits: { maxSockets: 1 } })
    await small.socket()
    const refused = await fetchUpgrade(small)
    assert.match(refused, /^HTTP\/1\.1 503 /)
    assert.match(refused, /limit exceeded: WebSocket connections \(at most 1\)/)
    await small.server.stop()
  })
})

async function fetchUpgrade({ port }: Running): Promise<string> {
  const lines = [
    'GET / HTTP/1.1',
    'host: localhost',
    'upgrade: websocket',
    'connection: upgrade',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`))
    socket.on('data', (data) => {
      heard += data
    })
    socket.on('end', () => resolve(heard))
    socket.on('error', reject)
  })
}
