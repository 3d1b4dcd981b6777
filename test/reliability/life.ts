/**
 * Lives of a validator that is alone with its chain: a real driver, log and guard, begun again after
 * each crash. Whatever leaves it in any life is written down, and must never contradict itself.
 */
import { join } from 'node:path'
import type { createDriver } from '../../consensus/driver.ts'
import type { DriverEvent, DriverNetwork } from '../../consensus/driverModules.ts'
import type { openSigner } from '../../consensus/signer.ts'
import type { createWal } from '../../consensus/wal.ts'
import { decodeWire } from '../../consensus/wire.ts'
import type { Hash } from '../../primitives/hash.ts'
import {
  chainId,
  createToyChain,
  encodeToy,
  fastClock,
  makeSet,
  params,
  secretKeyOf,
  type ToyChain,
  toyModules,
} from '../consensus/fixtures.ts'
import { disk } from './failingDisk.ts'

/** The code under test: the real one, or a mutant of it. */
export type Keeping = {
  readonly createDriver: typeof createDriver
  readonly openSigner: typeof openSigner
  readonly createWal: typeof createWal
}

export type Validator = {
  readonly chain: ToyChain
  /** Live until `height`, until nothing is to be expected any more, or the end of patience. */
  readonly live: (height: number, patienceMs?: number) => Promise<readonly DriverEvent[]>
  /** Things said that contradict what was said before, and commits that were forgotten. */
  readonly contradictions: readonly string[]
  readonly folder: string
}

const alone = makeSet([1])
const clock = fastClock(400)

export function createValidator(keeping: Keeping, folder: string): Validator {
  const chain = createToyChain(clock)
  const said = new Map<string, Hash | null>()
  const contradictions: string[] = []
  let made = 0

  function note(position: string, hash: Hash | null): void {
    const before = said.get(position)
    if (before !== undefined && before !== hash) contradictions.push(position)
    said.set(position, hash)
  }

  function hear(bytes: Uint8Array): void {
    const message = decodeWire(bytes)
    if (!message.ok || disk.isDown()) return
    if (message.value.type === 'proposal') {
      const { height, round, envelopeHash } = message.value.proposal
      note(`proposal ${height}/${round}`, envelopeHash)
    }
    if (message.value.type === 'votes')
      for (const { kind, height, round, hash } of message.value.votes)
        note(`${kind} ${height}/${round}`, hash)
  }

  const network: DriverNetwork = {
    peers: () => [],
    send: (_, bytes) => hear(bytes),
    broadcast: hear,
    onMessage: () => () => {},
    onConnect: () => () => {},
  }

  /** A value that was never made before, so that a second one for a height cannot go unnoticed. */
  chain.fill = (height) => {
    const time = BigInt(Math.floor(clock.now() / 1000))
    const filling = new TextEncoder().encode(`value ${made++}`)
    return { bytes: encodeToy({ height, time, sidecars: [], filling }), sidecars: [], time }
  }

  async function live(height: number, patienceMs = 8_000): Promise<readonly DriverEvent[]> {
    const events: DriverEvent[] = []
    const guard = join(folder, 'last-signed')
    const signer = await keeping.openSigner(guard, secretKeyOf(0), chainId)
    if (!signer.ok) throw new Error(signer.fault.code)
    const modules = toyModules(clock, chain, alone, network)
    const driver = keeping.createDriver(
      {},
      {
        ...modules,
        // Nobody else is waited for, and the same operations come in every life.
        params: { ...params, proposeTimeoutMs: 60_000, prevoteTimeoutMs: 60_000 },
        signer: signer.value,
        wal: keeping.createWal(join(folder, 'wal')),
        commit: (at, bytes, commit) => {
          note(`commit ${at}`, commit.envelopeHash)
          return disk.pass(`batch ${at}`, () => modules.commit(at, bytes, commit))
        },
        onEvent: (event) => events.push(event),
      },
    )
    const begun = performance.now()
    const over = () =>
      chain.blocks.size >= height ||
      contradictions.length > 0 ||
      disk.isDown() ||
      performance.now() - begun > patienceMs
    try {
      await driver.start()
      while (!over() && !events.some(({ type }) => type === 'halt' || type === 'abstain'))
        await pause()
    } finally {
      await driver.stop().catch((error: unknown) => chain.reports.push(error))
    }
    return events
  }

  return { chain, live, contradictions, folder }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1))
}
