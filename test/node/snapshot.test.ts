import assert from 'node:assert/strict'
import { beforeAll, describe, it } from 'vitest'
import type { Chain } from '../../chain/chain.ts'
import type { Host } from '../../network/host.ts'
import type { PeerId, PeerInfo } from '../../network/peer.ts'
import { createLogger } from '../../node/logger.ts'
import { serveSnapshots } from '../../node/snapshotServer.ts'
import { syncSnapshot } from '../../node/snapshotSync.ts'
import { type Clock, systemClock } from '../../primitives/clock.ts'
import { decode, Writer } from '../../primitives/codec.ts'
import { type Hash, hashOf } from '../../primitives/hash.ts'
import { ok, refuse } from '../../primitives/result.ts'
import { openMemory } from '../../storage/memory.ts'
import { openSealedChain, type SealedChain, sealedGenesis } from './sealedChain.ts'

const genesis = sealedGenesis(4, { epochLength: 4, unbondingEpochs: 2 })
const log = createLogger('silent', null)

type Answer = (bytes: Uint8Array) => Promise<Uint8Array | null>
/** What a peer does to its honest answers. */
type Tamper = (honest: Answer, question: Uint8Array) => Promise<Uint8Array | null>

const honestly: Tamper = (honest, question) => honest(question)

/** A host whose peers are chains in memory. */
function hostOf(peers: Readonly<Record<string, readonly [Chain, Tamper]>>) {
  const asked = new Map<string, number>()
  const banned: string[] = []
  const answers = new Map<string, Answer>()
  for (const [id, [chain, tamper]] of Object.entries(peers))
    serveSnapshots(
      {
        serve: (_topic, _max, answer) => {
          const honest: Answer = (bytes) => answer('asker' as PeerId, bytes)
          answers.set(id, (question) => tamper(honest, question))
        },
      },
      chain,
    )
  const host: Pick<Host, 'request' | 'peers' | 'penalize'> = {
    peers: () =>
      Object.keys(peers)
        .filter((id) => !banned.includes(id))
        .map((id) => ({ id }) as PeerInfo),
    penalize: (peer) => banned.push(peer),
    request: async (peer, _topic, question) => {
      asked.set(peer, (asked.get(peer) ?? 0) + 1)
      const answer = await answers.get(peer)!(question)
      return answer === null
        ? refuse({ code: 'network/refused', peer, topic: 'snapshot' } as never)
        : ok(answer)
    },
  }
  return { host, asked, banned }
}

let source: SealedChain
let clock: Clock

beforeAll(async () => {
  source = await openSealedChain(genesis)
  for (let i = 0; i < 13; i++) await source.advance()
  const now = Number(source.chain.head().header.timestamp) * 1_000
  clock = { ...systemClock, now: () => now }
})

async function joiner() {
  const store = openMemory()
  return { ...(await openSealedChain(genesis, store)), store }
}

async function join(
  peers: Parameters<typeof hostOf>[0],
  checkpoint: Hash | null = null,
  into?: Awaited<ReturnType<typeof joiner>>,
) {
  const { chain, store } = into ?? (await joiner())
  const { host, banned, asked } = hostOf(peers)
  const options = { checkpoint, patienceMs: 0 }
  const outcome = await syncSnapshot(options, { chain, store, host, clock, log }).then(
    () => 'joined',
    (error: Error) => error.message,
  )
  return { chain, store, banned, asked, outcome }
}

/** Changes answers to questions of one kind. */
function tampering(kind: number, change: (bytes: Uint8Array) => Uint8Array): Tamper {
  return async (honest, question) => {
    const answer = await honest(question)
    return answer === null || question[0] !== kind ? answer : change(answer)
  }
}

const flipped = (at: number) => (bytes: Uint8Array) => {
  const copy = bytes.slice()
  copy.at(at) === undefined || copy.set([copy.at(at)! ^ 1], at < 0 ? copy.length + at : at)
  return copy
}

describe('a node that starts from a snapshot', () => {
  it('has the state of the newest block, and goes on from there', async () => {
    const { chain, outcome, banned } = await join({ a: [source.chain, honestly] })
    assert.equal(outcome, 'joined')
    assert.deepEqual(banned, [])
    assert.equal(chain.head().hash, source.chain.head().hash)
    assert.equal(await chain.blockAt(5n), null)
    assert.equal(await chain.stateAt(5n), null)
    const block = await source.advance()
    await source.follow(chain, block)
    assert.equal(chain.head().stateRoot, source.chain.head().stateRoot)
    assert.equal(chain.head().height, 14n)
  })

  it('survives a restart', async () => {
    const first = await join({ a: [source.chain, honestly] })
    const again = await openSealedChain(genesis, first.store)
    assert.equal(again.chain.head().hash, source.chain.head().hash)
  })

  it('starts from a checkpoint, and from no other chain', async () => {
    const known = (await source.chain.blockAt(6n))!.hash
    const { chain, outcome } = await join({ a: [source.chain, honestly] }, known)
    assert.equal(outcome, 'joined')
    assert.equal(chain.head().hash, source.chain.head().hash)
    const other = await join({ a: [source.chain, honestly] }, hashOf('elsewhere'))
    assert.match(other.outcome, /network\/refused/)
    // A peer that passes another block off as the checkpoint.
    const seven = async (_honest: Answer, question: Uint8Array) =>
      question[0] === 1 ? new Writer().uint(7, 8).bytes() : _honest(question)
    const fooled = await join({ a: [source.chain, seven] }, known)
    assert.match(fooled.outcome, /light\/checkpoint/)
    assert.deepEqual(fooled.banned, ['a'])
  })

  it('leaves a chain alone that has blocks', async () => {
    const mine = await joiner()
    await mine.advance()
    const { asked, outcome } = await join({ a: [source.chain, honestly] }, null, mine)
    assert.equal(outcome, 'joined')
    assert.equal(asked.size, 0)
  })

  const lies: readonly (readonly [string, Tamper, RegExp])[] = [
    ['a node', tampering(3, flipped(40)), /state\/wrongNode/],
    ['an envelope', tampering(2, flipped(40)), /snapshot\/envelope/],
    ['a signature', tampering(0, flipped(150)), /commit\/signature|light\//],
    ['bytes that are no light block', tampering(0, () => new Uint8Array(9)), /codec\//],
    ['a head that is none', tampering(4, () => new Uint8Array(7)), /snapshot\/answer/],
    [
      'more nodes than asked for',
      tampering(3, (bytes) => {
        const nodes = decode(bytes, (reader) => reader.list(600, (from) => from.blob(70_000)))
        assert.ok(nodes.ok)
        return new Writer()
          .list([...nodes.value, ...nodes.value], (node, to) => to.blob(node))
          .bytes()
      }),
      /snapshot\/answer|state\/wrongNode/,
    ],
  ]
  for (const [what, tamper, code] of lies)
    it(`bans who gives ${what} that is false, and goes to the next`, async () => {
      const alone = await join({ liar: [source.chain, tamper] })
      assert.match(alone.outcome, code)
      assert.deepEqual(alone.banned, ['liar'])
      assert.equal(alone.chain.head().height, 0n)
      const both = await join({ liar: [source.chain, tamper], a: [source.chain, honestly] })
      assert.equal(both.outcome, 'joined')
      assert.equal(both.chain.head().hash, source.chain.head().hash)
    })

  it('goes on where a peer that had only a part of the state has left it', async () => {
    let left = 2
    const forgets = tampering(3, (bytes) => (left-- > 0 ? bytes : new Writer().uint(0, 4).bytes()))
    const mine = await joiner()
    const first = await join({ a: [source.chain, forgets] }, null, mine)
    assert.match(first.outcome, /snapshot\/noState/)
    const full = await join({ a: [source.chain, honestly] })
    const second = await join({ a: [source.chain, honestly] }, null, mine)
    assert.equal(second.outcome, 'joined')
    assert.ok(second.asked.get('a')! <= full.asked.get('a')!)
  })
})
