/**
 * Testnets as data: how many validators, what befalls them and when, drawn from a seed; and the run of
 * one, with real processes that are looked at over RPC alone.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LinkOptions } from '../../cli/relay.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { nameOf } from '../consensus/fixtures.ts'
import { heightOf, rpcCall, startDevnet, until } from './devnet.ts'

/** `kill`: SIGKILL, and a start some seconds later. `pause`: SIGSTOP for a while. `cut`: no link to it. */
export const perturbations = ['kill', 'restart', 'pause', 'cut'] as const
export type Perturbation = (typeof perturbations)[number]

export type Manifest = {
  readonly name: string
  readonly validators: number
  readonly link: LinkOptions
  /** One after the other: who, what, for how long, and how long all is well afterwards. */
  readonly plan: readonly {
    readonly node: number
    readonly what: Perturbation
    readonly forMs: number
    readonly restMs: number
  }[]
  /** Blocks that all must have beyond the last perturbation. */
  readonly blocks: number
}

/** At most one node of four is perturbed at a time, so the chain must go on. */
export function manifestOf(seed: number, events: number): Manifest {
  const random = new SeededRandom('manifest', nameOf(`seed ${seed}`))
  const slow = random.below(2) === 1
  const lossy = random.below(2) === 1
  return {
    name: `seed ${seed}`,
    validators: 4,
    link: {
      ...(slow ? { delayMs: 50, jitterMs: 20 } : { delayMs: 0, jitterMs: 0 }),
      ...(lossy ? { stallOneIn: 50, breakOneIn: 2_000, seed } : {}),
    },
    plan: Array.from({ length: events }, () => ({
      node: random.below(4),
      what: perturbations[random.below(perturbations.length)]!,
      forMs: 1_000 + random.below(3_000),
      restMs: 500 + random.below(2_000),
    })),
    blocks: 3,
  }
}

const readyMs = 120_000

/** Run it; fails where heads disagree or somebody does not go on. */
export async function runManifest({
  name,
  validators,
  link,
  plan,
  blocks,
}: Manifest): Promise<void> {
  const net = await startDevnet({
    validators,
    link,
    genesis: { firstJob: false, params: { idleBlockIntervalMs: 1_000 } },
    flagsOf: () => ['--no-work'],
  })
  const urls = net.nodes.map(({ rpcUrl }) => rpcUrl)
  try {
    for (const [at, { node, what, forMs, restMs }] of plan.entries()) {
      const others = urls.filter((_, index) => index !== node)
      const before = await heightOf(others[0]!)
      await perturb(net, node, what, forMs)
      const story = `${name}, ${at}: ${what} of ${node}`
      await until(
        `${story}: the others go on`,
        readyMs,
        async () => (await heightOf(others[0]!)) > before,
      )
      await sleep(restMs)
    }
    const goal = (await heightOf(urls[0]!)) + BigInt(blocks)
    for (const url of urls)
      await until(`${name}: ${url} at ${goal}`, readyMs, async () => (await heightOf(url)) >= goal)
    await checkAgreement(urls, goal)
  } finally {
    await net.stop()
  }
}

async function perturb(
  { nodes, relays }: Awaited<ReturnType<typeof startDevnet>>,
  index: number,
  what: Perturbation,
  forMs: number,
): Promise<void> {
  const node = nodes[index]!
  switch (what) {
    case 'kill':
      await node.kill('SIGKILL')
      await sleep(forMs)
      return node.restart()
    case 'restart':
      await node.kill('SIGTERM')
      return node.restart()
    case 'pause':
      process.kill(node.pid(), 'SIGSTOP')
      await sleep(forMs)
      process.kill(node.pid(), 'SIGCONT')
      return
    case 'cut':
      // The relay carries the way to it; what it dialled itself goes through the others'.
      relays[index]!.cut()
      await sleep(forMs)
      relays[index]!.heal()
      return
    default:
      what satisfies never
  }
}

/** Every block up to `height` is the same everywhere. */
async function checkAgreement(urls: readonly string[], height: bigint): Promise<void> {
  for (let at = 1n; at <= height; at++) {
    const hashes = await Promise.all(
      urls.map(async (url) => {
        const tag = `0x${at.toString(16)}`
        const block = await rpcCall<{ readonly hash: string }>(
          url,
          'eth_getBlockByNumber',
          tag,
          false,
        )
        return block.hash
      }),
    )
    assert.equal(new Set(hashes).size, 1, `block ${at}: ${hashes.join(' ')}`)
  }
}
