/** What an application does with viem. */
import assert from 'node:assert/strict'
import {
  BaseError,
  ContractFunctionRevertedError,
  createNonceManager,
  createPublicClient,
  createWalletClient,
  type Hex,
  http,
  type Log,
  publicActions,
  webSocket,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { jsonRpc } from 'viem/nonce'
import { it } from 'vitest'
import type { LiveNode, Purse } from './liveNode.ts'

function walletOf({ chain }: LiveNode, { account }: Purse) {
  const options = { account, chain, transport: http(), pollingInterval: 100, cacheTime: 0 } as const
  return createWalletClient(options).extend(publicActions)
}

type Wallet = ReturnType<typeof walletOf>

async function deployComb(wallet: Wallet, { comb }: LiveNode): Promise<Hex> {
  const args = [wallet.account.address]
  const hash = await wallet.deployContract({ ...comb, args })
  const { status, contractAddress } = await wallet.waitForTransactionReceipt({ hash })
  assert.equal(status, 'success')
  return contractAddress!
}

const noted = (logs: readonly Log[]) =>
  logs.map((log) => (log as unknown as { readonly args: { readonly note: string } }).args.note)

/** Register the stories; each has an account of its own, so they run beside each other. */
export function viemStories(node: () => LiveNode): void {
  it('viem deploys, and hears of events by filter, by WebSocket and by query', async () => {
    const wallet = walletOf(node(), node().purse())
    const { abi } = node().comb
    const address = await deployComb(wallet, node())
    const event = { address, abi, eventName: 'Filled' } as const
    const socket = createPublicClient({
      chain: node().chain,
      transport: webSocket(node().webSocket),
    })
    const pushed: string[] = []
    const polled: string[] = []
    const stops = [
      socket.watchContractEvent({ ...event, onLogs: (logs) => pushed.push(...noted(logs)) }),
      wallet.watchContractEvent({ ...event, onLogs: (logs) => polled.push(...noted(logs)) }),
    ]
    const filter = await wallet.createContractEventFilter({ ...event, fromBlock: 1n })
    for (const [cell, note] of ['first', 'second'].entries()) {
      const fill = { address, abi, functionName: 'fill', args: [BigInt(cell), note] } as const
      const { request } = await wallet.simulateContract(fill)
      const receipt = await wallet.waitForTransactionReceipt({
        hash: await wallet.writeContract(request),
      })
      assert.deepEqual([receipt.status, receipt.logs.length], ['success', 1])
    }
    const wanted = ['first', 'second']
    assert.deepEqual(noted(await wallet.getFilterChanges({ filter })), wanted)
    assert.deepEqual(noted(await wallet.getFilterLogs({ filter })), wanted)
    assert.deepEqual(noted(await wallet.getContractEvents({ ...event, fromBlock: 0n })), wanted)
    while (pushed.length < 2 || polled.length < 2)
      await new Promise((again) => setTimeout(again, 20))
    assert.deepEqual([pushed, polled], [wanted, wanted])
    for (const stop of stops) stop()
    const read = { address, abi, functionName: 'ownerOf', args: [1n] } as const
    assert.equal(await wallet.readContract(read), wallet.account.address)
    ;(await socket.transport.getRpcClient()).close()
  })

  it('viem decodes reverts: custom errors, reasons, panics, and those of mined transactions', async () => {
    const wallet = walletOf(node(), node().purse())
    const { abi } = node().comb
    const address = await deployComb(wallet, node())
    const fill = { address, abi, functionName: 'fill', args: [7n, ''] } as const
    await wallet.waitForTransactionReceipt({ hash: await wallet.writeContract(fill) })
    const me = wallet.account.address
    const taken = await revertOf(wallet.simulateContract(fill))
    assert.deepEqual([taken.data?.errorName, taken.data?.args], ['Taken', [7n, me]])
    const fail = { address, abi, functionName: 'fail', args: ['no honey'] } as const
    assert.equal((await revertOf(wallet.readContract(fail))).reason, 'no honey')
    const divide = { address, abi, functionName: 'divide', args: [1n, 0n] } as const
    const panic = await revertOf(wallet.readContract(divide))
    assert.deepEqual([panic.data?.errorName, panic.data?.args], ['Panic', [0x12n]])
    await assert.rejects(wallet.estimateContractGas(fill), /Taken/)

    const hash = await wallet.writeContract({ ...fill, gas: 200_000n })
    const receipt = await wallet.waitForTransactionReceipt({ hash })
    assert.deepEqual([receipt.status, receipt.logs], ['reverted', []])
    assert.ok(receipt.gasUsed < 60_000n)
    const burn = { address, abi, functionName: 'burn', gas: 100_000n } as const
    const burnt = await wallet.waitForTransactionReceipt({ hash: await wallet.writeContract(burn) })
    assert.deepEqual([burnt.status, burnt.gasUsed], ['reverted', 100_000n])
  })

  it('viem wins a race for nonces, and only one of two transactions with one nonce is mined', async () => {
    const { key } = node().purse()
    const nonceManager = createNonceManager({ source: jsonRpc() })
    const account = privateKeyToAccount(key, { nonceManager })
    const wallet = walletOf(node(), { key, account })
    const sends = Array.from({ length: 20 }, (_, i) =>
      wallet.sendTransaction({ to: wallet.account.address, value: BigInt(i), gas: 21_000n }),
    )
    for (const hash of await Promise.all(sends))
      assert.equal((await wallet.waitForTransactionReceipt({ hash })).status, 'success')

    const rivals = await Promise.allSettled(
      [1n, 2n].map((value) => wallet.sendTransaction({ to: account.address, value, nonce: 20 })),
    )
    const won = rivals.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const lost = rivals.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
    assert.equal(won.length, 1)
    assert.match(lost[0]!, /underpriced/)
    await wallet.waitForTransactionReceipt({ hash: won[0]! })
    assert.equal(await wallet.getTransactionCount({ address: account.address }), 21)
    const late = wallet.sendTransaction({ to: account.address, nonce: 20 })
    await assert.rejects(late, /[Nn]once/)
  })

  it('viem replaces a waiting transaction, and tells who waited for the first', async () => {
    const wallet = walletOf(node(), node().purse())
    const to = wallet.account.address
    const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 9n }
    const first = await wallet.sendTransaction({ to, value: 1n, nonce: 1, gas: 21_000n, ...fees })
    const replaced: string[] = []
    const waiting = wallet.waitForTransactionReceipt({
      hash: first,
      onReplaced: ({ reason, transaction }) => replaced.push(reason, transaction.hash),
    })
    // By then it has seen the first.
    await new Promise((resolve) => setTimeout(resolve, 500))
    const slightly = { maxFeePerGas: 10n ** 10n + 1n, maxPriorityFeePerGas: 10n ** 9n + 1n }
    const cheap = wallet.sendTransaction({ to, value: 2n, nonce: 1, gas: 21_000n, ...slightly })
    await assert.rejects(cheap, /replacement transaction underpriced/)
    const double = { maxFeePerGas: 2n * 10n ** 10n, maxPriorityFeePerGas: 2n * 10n ** 9n }
    const second = await wallet.sendTransaction({
      to,
      value: 3n,
      nonce: 1,
      gas: 21_000n,
      ...double,
    })
    const pool = await wallet.request({
      method: 'txpool_contentFrom' as never,
      params: [to] as never,
    })
    const { queued } = pool as { readonly queued: Readonly<Record<string, { hash: Hex }>> }
    assert.deepEqual(
      Object.values(queued).map(({ hash }) => hash),
      [second],
    )
    await wallet.sendTransaction({ to, nonce: 0, gas: 21_000n, ...fees })
    assert.equal((await waiting).transactionHash, second)
    assert.deepEqual(replaced, ['replaced', second])
    await assert.rejects(wallet.getTransactionReceipt({ hash: first }), /could not be found/)
  }, 40_000)

  it('viem traces what a transaction did, and sends with access lists and delegations', async () => {
    const wallet = walletOf(node(), node().purse())
    const { abi } = node().comb
    const address = await deployComb(wallet, node())
    const grow = { address, abi, functionName: 'grow', value: 5n } as const
    const hash = await wallet.writeContract(grow)
    await wallet.waitForTransactionReceipt({ hash })
    const trace = (options: object) =>
      wallet.request({
        method: 'debug_traceTransaction' as never,
        params: [hash, options] as never,
      }) as Promise<Record<string, never>>
    const called = (await trace({ tracer: 'callTracer' })) as unknown as {
      readonly calls: readonly { type: string; value: string; from: string }[]
    }
    assert.deepEqual(
      called.calls.map(({ type, value, from }) => [type, value, from]),
      [['CREATE', '0x5', address]],
    )
    const diff = await trace({ tracer: 'prestateTracer', tracerConfig: { diffMode: true } })
    assert.deepEqual(new Set(Object.keys(diff)), new Set(['post', 'pre']))
    const logs = (await trace({})) as unknown as { readonly structLogs: readonly { op: string }[] }
    assert.ok(logs.structLogs.some(({ op }) => op === 'CREATE'))

    const fill = { address, abi, functionName: 'fill', args: [9n, 'listed'] } as const
    const { accessList } = await wallet.createAccessList({ to: address, data: '0x' })
    const listed = await wallet.writeContract({ ...fill, accessList })
    assert.equal((await wallet.waitForTransactionReceipt({ hash: listed })).status, 'success')
    const authorization = await wallet.signAuthorization({
      contractAddress: address,
      executor: 'self',
    })
    const delegated = await wallet.sendTransaction({
      to: wallet.account.address,
      authorizationList: [authorization],
    })
    const receipt = await wallet.waitForTransactionReceipt({ hash: delegated })
    assert.deepEqual([receipt.status, receipt.type], ['success', 'eip7702'])
    const code = await wallet.getCode({ address: wallet.account.address })
    assert.equal(code, `0xef0100${address.slice(2)}`)
    const own = { address: wallet.account.address, abi, functionName: 'filled' } as const
    assert.equal(await wallet.readContract(own), 0n)
  })
}

async function revertOf(call: Promise<unknown>): Promise<ContractFunctionRevertedError> {
  const error = await call.then(
    () => assert.fail('not refused'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof BaseError)
  const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
  assert.ok(reverted instanceof ContractFunctionRevertedError, String(error))
  return reverted
}
