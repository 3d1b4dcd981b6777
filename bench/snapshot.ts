/**
 * How long a new node takes to join a chain of 10,000 blocks: from the start of its process until its
 * RPC shows the head, from a snapshot and from a snapshot at a checkpoint. The chain is sealed in this
 * process and served by another; `--quick` seals 1,000 blocks.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Chain, createChain } from '../chain/chain.ts'
import { dataFiles, packagedGenesis } from '../cli/dataDir.ts'
import { freePorts } from '../cli/devnet.ts'
import { devnetGenesis } from '../cli/devnetGenesis.ts'
import { type DevnetNode, startDevnetNode } from '../cli/devnetNode.ts'
import { chainRules } from '../node/rules.ts'
import { parseGenesis } from '../params/genesis.ts'
import { sleep, systemClock } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import { openLevel } from '../storage/level.ts'
import type { Benchmark } from './main.ts'
import { buildNext, commitNext } from './sealing.ts'

export const benchmark: Benchmark = {
  summary: 'joining a chain of 10,000 blocks from a snapshot',
  async run(report, wanted, quick) {
    const blocks = quick ? 1_000 : 10_000
    const name = `snapshot-${blocks}`
    if (!wanted(name)) return
    const folder = await mkdtemp(join(tmpdir(), 'waggle-bench-'))
    try {
      const text = devnetGenesis(await readFile(packagedGenesis, 'utf8'), 1, { firstJob: false })
      const checkpoint = await sealChain(folder, text, blocks)
      const [p2pPort, ...ports] = await freePorts(6)
      const source = await startFollower(join(folder, 'source'), text, ports[0]!, p2pPort!, [], [])
      try {
        for (const [metric, flags] of [
          ['snapshot_s', ['--snapshot']],
          ['checkpoint_s', ['--checkpoint', checkpoint]],
        ] as const) {
          const [rpcPort, ownPort] = ports.splice(1, 2)
          const started = performance.now()
          const data = join(folder, metric)
          const node = await startFollower(data, text, rpcPort!, ownPort!, [p2pPort!], flags)
          try {
            while ((await heightOf(node)) < blocks) await sleep(systemClock, 50)
            const value = (performance.now() - started) / 1_000
            report({ case: name, metric, value, unit: 's' })
          } finally {
            await node.kill('SIGTERM')
          }
        }
      } finally {
        await source.kill('SIGTERM')
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Seal empty blocks into the source's folder; the hash of the one in the middle. */
async function sealChain(folder: string, text: string, blocks: number): Promise<Hash> {
  const genesis = parseGenesis(text)
  invariant(genesis.ok, 'the packaged genesis parses')
  const store = await openLevel(join(folder, 'source', 'chain'))
  const chain = await createChain(store, genesis.value, await chainRules(genesis.value))
  for (let sealed = 0; sealed < blocks; sealed++) await sealBlock(chain)
  const middle = await chain.blockAt(BigInt(blocks) / 2n)
  invariant(middle !== null, 'the chain keeps its blocks')
  await store.close()
  return middle.hash
}

async function sealBlock(chain: Chain): Promise<void> {
  const built = await buildNext(chain, [])
  invariant(built.ok, 'an empty block can be built')
  const { envelope } = built.value
  const commit = await commitNext(chain, envelope)
  invariant((await chain.commit(envelope, commit)).ok, 'our own block commits')
}

/** A node without keys. */
async function startFollower(
  dataDir: string,
  text: string,
  rpcPort: number,
  p2pPort: number,
  peerPorts: readonly number[],
  flags: readonly string[],
): Promise<DevnetNode> {
  await mkdir(dataDir, { recursive: true })
  await writeFile(join(dataDir, dataFiles.genesis), text)
  const more = ['--no-work', '--no-discover', '--archive', ...flags]
  return startDevnetNode({ dataDir, rpcPort, p2pPort, peerPorts, flags: more })
}

async function heightOf({ rpcUrl }: DevnetNode): Promise<number> {
  const body = '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}'
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(rpcUrl, { method: 'POST', headers, body })
  return Number(((await response.json()) as { readonly result: string }).result)
}
