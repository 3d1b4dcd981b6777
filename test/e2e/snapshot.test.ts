import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { dataFiles } from '../../cli/dataDir.ts'
import { freePorts } from '../../cli/devnet.ts'
import { startDevnetNode } from '../../cli/devnetNode.ts'
import { heightOf, rpcCall, startDevnet, type TestDevnet, untilHeight } from './devnet.ts'

type BlockWire = { readonly hash: string; readonly stateRoot: string } | null

const blockAt = (url: string, height: bigint) =>
  rpcCall<BlockWire>(url, 'eth_getBlockByNumber', `0x${height.toString(16)}`, false)

describe('a new node with a checkpoint', () => {
  let net: TestDevnet
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waggle-test-'))
    net = await startDevnet({
      validators: 1,
      genesis: { firstJob: false, params: { idleBlockIntervalMs: 1_000 } },
      link: { delayMs: 0, jitterMs: 0 },
      flagsOf: () => ['--no-work'],
    })
  }, 120_000)
  afterAll(async () => {
    await net.stop()
    await rm(folder, { recursive: true, force: true })
  }, 60_000)

  async function joinAs(name: string, checkpoint: string) {
    const dataDir = join(folder, name)
    await mkdir(dataDir)
    await copyFile(join(net.nodes[0]!.dataDir, dataFiles.genesis), join(dataDir, dataFiles.genesis))
    const [rpcPort, p2pPort] = (await freePorts(2)) as [number, number]
    const flags = ['--no-work', '--no-discover', '--checkpoint', checkpoint]
    const peerPorts = [net.relays[0]!.port]
    return startDevnetNode({ dataDir, rpcPort, p2pPort, peerPorts, flags })
  }

  it('joins a running chain by its state, and follows it', async () => {
    const running = net.nodes[0]!.rpcUrl
    await untilHeight(running, 2n)
    const checkpoint = (await blockAt(running, 1n))!.hash
    const node = await joinAs('joiner', checkpoint)
    try {
      // Nothing was applied from genesis on: the block of the checkpoint itself is not here.
      assert.equal(await blockAt(node.rpcUrl, 1n), null)
      await untilHeight(node.rpcUrl, (await heightOf(running)) + 1n)
      const head = await heightOf(node.rpcUrl)
      const [ours, theirs] = [await blockAt(node.rpcUrl, head), await blockAt(running, head)]
      assert.deepEqual([ours?.hash, ours?.stateRoot], [theirs?.hash, theirs?.stateRoot])
    } finally {
      await node.kill('SIGTERM')
    }
  }, 240_000)
})
