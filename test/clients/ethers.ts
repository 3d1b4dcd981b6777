/** What an application does with ethers 6. */
import assert from 'node:assert/strict'
import {
  type BaseContract,
  Contract,
  ContractFactory,
  type ContractTransactionResponse,
  isCallException,
  isError,
  JsonRpcProvider,
  NonceManager,
  Wallet,
  WebSocketProvider,
} from 'ethers'
import { it } from 'vitest'
import type { LiveNode } from './liveNode.ts'

const providers: JsonRpcProvider[] = []

/** End all polling; to be called while the node still answers what was asked. */
export async function closeEthers(): Promise<void> {
  for (const provider of providers.splice(0)) {
    provider.pause()
    for (let turn = 0; turn < 2; turn++) await provider.send('eth_chainId', [])
    provider.destroy()
  }
}

function walletOf(node: LiveNode): Wallet {
  // Filters of the node: what ethers does without them asks twice for the same blocks when two arrive
  // while it waits for an answer.
  const options = { polling: false, pollingInterval: 100, cacheTimeout: -1 }
  const provider = new JsonRpcProvider(node.http, undefined, options)
  providers.push(provider)
  return new Wallet(node.purse().key, provider)
}

async function deployComb({ comb }: LiveNode, wallet: Wallet): Promise<Contract> {
  const factory = new ContractFactory(comb.abi as never, comb.bytecode, wallet)
  const deployed: BaseContract = await factory.deploy(wallet.address, { value: 7n })
  await deployed.waitForDeployment()
  return new Contract(await deployed.getAddress(), comb.abi as never, wallet)
}

const send = (contract: Contract, name: string, ...args: readonly unknown[]) =>
  contract.getFunction(name).send(...args) as Promise<ContractTransactionResponse>

/** Register the stories; each has an account of its own, so they run beside each other. */
export function ethersStories(node: () => LiveNode): void {
  it('ethers deploys, and hears of events by filter, by WebSocket and by query', async () => {
    const wallet = walletOf(node())
    const comb = await deployComb(node(), wallet)
    assert.equal(await wallet.provider!.getBalance(comb), 7n)
    const socket = new WebSocketProvider(node().webSocket)
    const pushed: unknown[] = []
    const polled: unknown[] = []
    const overSocket = new Contract(comb, node().comb.abi as never, socket)
    const note = (list: unknown[]) => (_by: string, _cell: bigint, _honey: string, text: string) =>
      list.push(text)
    await overSocket.on('Filled', note(pushed))
    await comb.on('Filled', note(polled))
    const heads: number[] = []
    await socket.on('block', (height: number) => heads.push(height))
    for (const [cell, text] of ['first', 'second'].entries())
      assert.equal((await (await send(comb, 'fill', cell, text)).wait())?.status, 1)
    while (pushed.length < 2 || polled.length < 2 || heads.length === 0)
      await new Promise((again) => setTimeout(again, 20))
    assert.deepEqual(
      [pushed, polled],
      [
        ['first', 'second'],
        ['first', 'second'],
      ],
    )
    const found = await comb.queryFilter('Filled', 0)
    assert.deepEqual(
      found.map((log) => 'args' in log && log.args.note),
      ['first', 'second'],
    )
    assert.equal(await comb.getFunction('ownerOf').staticCall(1), wallet.address)
    await comb.removeAllListeners()
    await socket.destroy()
  })

  it('ethers decodes reverts, before and after they are mined', async () => {
    const wallet = walletOf(node())
    const comb = await deployComb(node(), wallet)
    await (await send(comb, 'fill', 7, '')).wait()
    const fault = (call: Promise<unknown>) =>
      call.then(
        () => assert.fail('not refused'),
        (error: unknown) => {
          assert.ok(isCallException(error), String(error))
          return error
        },
      )
    const taken = await fault(comb.getFunction('fill').staticCall(7, ''))
    assert.deepEqual([taken.revert?.name, taken.revert?.args[1]], ['Taken', wallet.address])
    const failed = await fault(comb.getFunction('fail').staticCall('no honey'))
    assert.equal(failed.reason, 'no honey')
    const mined = await send(comb, 'fill', 7, '', { gasLimit: 200_000 })
    const reverted = await fault(mined.wait())
    assert.equal(reverted.receipt?.status, 0)
  })

  it('ethers numbers a burst of transactions', async () => {
    const wallet = walletOf(node())
    const manager = new NonceManager(wallet)
    const sent = await Promise.all(
      Array.from({ length: 12 }, (_, i) => manager.sendTransaction({ to: wallet, value: i })),
    )
    const receipts = await Promise.all(sent.map((one) => one.wait()))
    assert.deepEqual(new Set(receipts.map((receipt) => receipt?.status)), new Set([1]))
    assert.equal(await wallet.getNonce(), 12)
  })

  it('ethers tells who waited for a transaction that another replaced', async () => {
    const wallet = walletOf(node())
    const fees = (gwei: bigint) => ({
      maxFeePerGas: 10n * gwei * 10n ** 9n,
      maxPriorityFeePerGas: gwei * 10n ** 9n,
      gasLimit: 21_000,
    })
    const first = await wallet.sendTransaction({ to: wallet, value: 1n, nonce: 1, ...fees(1n) })
    const waiting = first.wait().catch((error: unknown) => error)
    const again = { to: wallet, value: 2n, nonce: 1 }
    await assert.rejects(wallet.sendTransaction({ ...again, ...fees(1n) }), (error) =>
      isError(error, 'REPLACEMENT_UNDERPRICED'),
    )
    const second = await wallet.sendTransaction({ ...again, ...fees(2n) })
    await wallet.sendTransaction({ to: wallet, nonce: 0, ...fees(1n) })
    const replaced = await waiting
    assert.ok(isError(replaced, 'TRANSACTION_REPLACED'), String(replaced))
    assert.equal(replaced.receipt?.hash, second.hash)
    await assert.rejects(wallet.sendTransaction({ to: wallet, nonce: 0, ...fees(3n) }), (error) =>
      isError(error, 'NONCE_EXPIRED'),
    )
    await assert.rejects(wallet.sendTransaction({ to: wallet, value: 10n ** 24n }), (error) =>
      isError(error, 'INSUFFICIENT_FUNDS'),
    )
  })
}
