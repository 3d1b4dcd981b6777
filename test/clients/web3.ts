/** What an application does with web3.js 4. */
import assert from 'node:assert/strict'
import { it } from 'vitest'
import { Web3 } from 'web3'
import type { LiveNode } from './liveNode.ts'

function openWeb3(url: string, key: string) {
  const web3 = new Web3(url)
  web3.eth.transactionPollingInterval = 100
  web3.eth.transactionReceiptPollingInterval = 100
  const from = web3.eth.accounts.wallet.add(key)[0]!.address
  return { web3, from }
}

async function deployComb({ comb }: LiveNode, { web3, from }: ReturnType<typeof openWeb3>) {
  const blank = new web3.eth.Contract(comb.abi as never, { from, data: comb.bytecode })
  const deployed = await blank.deploy({ arguments: [from] as never }).send({ from })
  return { address: deployed.options.address!, methods: deployed.methods as never as Methods }
}

type Call = {
  readonly send: (options: object) => Promise<{ readonly status: bigint }>
  readonly call: () => Promise<unknown>
}
type Methods = Readonly<Record<string, (...args: readonly unknown[]) => Call>>

/** Register the stories; each has an account of its own, so they run beside each other. */
export function web3Stories(node: () => LiveNode): void {
  it('web3 deploys, and hears of events by WebSocket and by query', async () => {
    const { key } = node().purse()
    const overHttp = openWeb3(node().http, key)
    const { from } = overHttp
    const { address, methods } = await deployComb(node(), overHttp)
    const socket = new Web3(node().webSocket)
    const abi = node().comb.abi as never
    const events = new socket.eth.Contract(abi, address).events as never as {
      readonly Filled: () => { on: (name: 'data', told: (log: never) => void) => void }
    }
    const pushed: string[] = []
    events.Filled().on('data', (log: { readonly returnValues: { readonly note: string } }) => {
      pushed.push(log.returnValues.note)
    })
    const heads = await socket.eth.subscribe('newHeads')
    const seen: bigint[] = []
    heads.on('data', ({ number }) => {
      seen.push(BigInt(number!))
    })
    for (const [cell, note] of ['first', 'second'].entries())
      assert.equal((await methods.fill!(cell, note).send({ from })).status, 1n)
    while (pushed.length < 2 || seen.length === 0)
      await new Promise((again) => setTimeout(again, 20))
    assert.deepEqual(pushed, ['first', 'second'])
    const contract = new overHttp.web3.eth.Contract(abi, address)
    const found = await contract.getPastEvents('allEvents' as never, { fromBlock: 0 })
    assert.equal(found.length, 2)
    assert.equal(await methods.ownerOf!(1).call(), from)
    await heads.unsubscribe()
    socket.provider?.disconnect()
  })

  it('web3 decodes reverts, and sends a burst in one batch', async () => {
    const opened = openWeb3(node().http, node().purse().key)
    const { web3, from } = opened
    const { methods } = await deployComb(node(), opened)
    await methods.fill!(7, '').send({ from })
    const refusal = (call: Promise<unknown>) =>
      call.then(
        () => assert.fail('not refused'),
        (
          error: {
            readonly cause?: { readonly errorName?: string; readonly message: string }
          } & Error,
        ) => error,
      )
    const taken = await refusal(methods.fill!(7, '').call())
    assert.equal(taken.cause?.errorName, 'Taken')
    const failed = await refusal(methods.fail!('no honey').call())
    assert.equal(failed.cause?.message, 'execution reverted: no honey')
    await refusal(methods.fill!(7, '').send({ from, gas: '200000' }))

    const nonce = await web3.eth.getTransactionCount(from)
    const batch = new web3.BatchRequest()
    const gasPrice = (await web3.eth.getGasPrice()) * 2n
    const sent = []
    for (let i = 0n; i < 5n; i++) {
      const fields = { from, to: from, value: i, gas: 21_000n, gasPrice, nonce: nonce + i }
      const signed = await web3.eth.accounts.wallet[0]!.signTransaction(fields)
      const params = [signed.rawTransaction] as [string]
      sent.push(batch.add({ method: 'eth_sendRawTransaction', params }))
    }
    await batch.execute()
    assert.equal(new Set(await Promise.all(sent)).size, 5)
    while ((await web3.eth.getTransactionCount(from)) < nonce + 5n)
      await new Promise((again) => setTimeout(again, 100))
  })
}
