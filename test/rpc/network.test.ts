import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import type { ModuleView } from '../../rpc/networkView.ts'
import { openTestNode, type TestNode } from './testNode.ts'

describe('waggle_getNetwork', () => {
  let node: TestNode
  beforeAll(async () => {
    node = await openTestNode()
  })
  afterAll(() => node.stop())

  it('tells the parameters, the genesis block and the ABI of every native module', async () => {
    const network = (await node.running.call('waggle_getNetwork')).result as {
      readonly genesisHash: string
      readonly params: Readonly<Record<string, string>>
      readonly modules: readonly ModuleView[]
    }
    const { epochLength } = node.chain.genesis.params
    assert.equal(Number(network.params.epochLength), epochLength)
    const genesis = (await node.running.call('eth_getBlockByNumber', '0x0', false)).result
    assert.equal(network.genesisHash, (genesis as { readonly hash: string }).hash)
    const jobs = network.modules.find(({ address }) => address === moduleAddresses.jobs)
    assert.ok(jobs!.abi.some((item) => item.type === 'event' && item.name === 'Certified'))
    assert.equal(new Set(network.modules.map(({ name }) => name)).size, network.modules.length)
  })
})
