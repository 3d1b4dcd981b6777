/** The clients that people have, against one running node. */
import { afterAll, beforeAll, describe } from 'vitest'
import { closeEthers, ethersStories } from './ethers.ts'
import { foundryStories } from './foundry.ts'
import { type LiveNode, openLiveNode } from './liveNode.ts'
import { viemStories } from './viem.ts'
import { web3Stories } from './web3.ts'

let node: LiveNode

beforeAll(async () => {
  node = await openLiveNode(20)
})

afterAll(async () => {
  await closeEthers()
  await node?.stop()
})

describe.concurrent('clients', { timeout: 60_000 }, () => {
  viemStories(() => node)
  ethersStories(() => node)
  web3Stories(() => node)
  foundryStories(() => node)
})
