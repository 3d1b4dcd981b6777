import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { type BlockSync, blockSyncTopics, createBlockSync } from '../../network/blockSync.ts'
import type { HostOptions } from '../../network/hostOptions.ts'
import { equalBytes, utf8ToBytes } from '../../primitives/bytes.ts'
import { ok, refuse } from '../../primitives/result.ts'
import {
  faultCodes,
  makeHost,
  stopHostsAfterEach,
  type TestHost,
  until,
  whenConnected,
} from './testHost.ts'

stopHostsAfterEach()

type Node = { readonly host: TestHost; readonly sync: BlockSync; readonly chain: Uint8Array[] }

const recordOf = (height: number) => utf8ToBytes(`record ${height} ${'.'.repeat(height % 50)}`)
/** What a peer gives that has forgotten a part. */
const notWhole = utf8ToBytes('not whole')
const recordsTo = (height: number) => Array.from({ length: height }, (_, i) => recordOf(i + 1))

/** A node whose chain is `chain`, and which takes only what {@link recordOf} gives. */
async function startNode(
  name: string,
  chain: Uint8Array[],
  options: Partial<HostOptions> = {},
): Promise<Node> {
  const height = () => BigInt(chain.length)
  const host = await makeHost(name, { topics: blockSyncTopics, ...options }, { height })
  const sync = createBlockSync(
    { patienceMs: 1_000 },
    {
      host,
      height,
      loadRecord: async (wanted) => chain[Number(wanted) - 1] ?? null,
      applyRecord: async (at, record) => {
        assert.equal(at, height() + 1n)
        if (equalBytes(record, notWhole)) return refuse({ code: 'sync/lacking', height: at })
        if (!equalBytes(record, recordOf(Number(at)))) return refuse({ code: 'test/wrong' })
        chain.push(record)
        return ok('applied')
      },
      report: (problem) => host.note(problem),
    },
  )
  await host.start()
  sync.start()
  return { host, sync, chain }
}

describe('block sync', () => {
  it('brings a late node to the head, past a peer whose records are wrong', async () => {
    const wrong = recordsTo(300)
    wrong[99] = utf8ToBytes('a lie')
    const liar = await startNode('liar', wrong)
    const honest = await startNode('honest', recordsTo(300))
    // At first it knows the liar alone, then also the honest one.
    const late = await startNode('late', [], { bootstrap: liar.host.addresses() })
    await until('the lie is found', () => faultCodes(late.host).includes('sync/badRecord'))
    assert.equal(late.chain.length, 99)
    late.host.connect(honest.host.addresses()[0]!)
    await until('it has caught up', () => late.chain.length === 300)
    assert.ok(late.host.score(liar.host.peerId) > 30)
    assert.deepEqual(late.chain, recordsTo(300))
    await late.sync.stop()
  })

  it('follows heights that are announced, and stays at rest when level', async () => {
    const ahead = await startNode('ahead', recordsTo(3))
    const behind = await startNode('behind', recordsTo(3), { bootstrap: ahead.host.addresses() })
    await whenConnected(ahead.host, behind.host)
    assert.equal(behind.sync.target(), 3n)
    ahead.chain.push(recordOf(4), recordOf(5))
    ahead.sync.announce()
    await until('two behind: at once', () => behind.chain.length === 5)
    ahead.chain.push(recordOf(6))
    ahead.sync.announce()
    await until('one behind: after a while', () => behind.chain.length === 6)
    ahead.chain.push(recordOf(7))
    behind.sync.notifyBehind(ahead.host.peerId, 7n)
    await until(
      'one behind, but known to be stuck: at once',
      () => behind.chain.length === 7,
      5_000,
    )
    assert.deepEqual([...ahead.host.reported, ...behind.host.reported], [])
  })

  it('does not wait for a peer that claims what it has not', async () => {
    const boaster = await startNode('boaster', recordsTo(2))
    const honest = await startNode('honest', recordsTo(9))
    const bootstrap = [...boaster.host.addresses(), ...honest.host.addresses()]
    const late = await startNode('late', [], { bootstrap })
    await whenConnected(late.host, boaster.host)
    late.sync.notifyBehind(boaster.host.peerId, 1n << 60n)
    await until('it has what there is', () => late.chain.length === 9)
    await until('the boast is forgotten', () => late.sync.target() === 9n)
  })

  it('spares those who have forgotten a part of a record, and asks others', async () => {
    const partly = recordsTo(30)
    partly[19] = notWhole
    const forgetful = await startNode('forgetful', partly)
    const late = await startNode('late', [], { bootstrap: forgetful.host.addresses() })
    await until('the lack is noticed', () => faultCodes(late.host).includes('sync/lacking'))
    assert.equal(late.chain.length, 19)
    assert.equal(late.host.score(forgetful.host.peerId), 0)
    const whole = await startNode('whole', recordsTo(30))
    late.host.connect(whole.host.addresses()[0]!)
    await until('it has caught up', () => late.chain.length === 30)
    assert.equal(late.host.score(forgetful.host.peerId), 0)
    assert.deepEqual(faultCodes(late.host), ['sync/lacking'])
  })

  it('gives a large chain in answers of bounded size', async () => {
    const big = Array.from({ length: 12 }, (_, i) => new Uint8Array(1_000_000).fill(i))
    const source = await startNode('source', big)
    const reader = await makeHost('reader', {
      topics: blockSyncTopics,
      bootstrap: source.host.addresses(),
    })
    await reader.start()
    await whenConnected(reader, source.host)
    const limits = { timeoutMs: 10_000, maxBytes: 20_000_000 }
    const ask = async (...question: readonly number[]) => {
      const answer = await reader.request(
        source.host.peerId,
        'records',
        Uint8Array.from(question),
        limits,
      )
      return answer.ok ? answer.value[3] : answer.fault.code
    }
    assert.equal(await ask(0, 0, 0, 0, 0, 0, 0, 1, 0, 64), 5)
    assert.equal(await ask(0, 0, 0, 0, 0, 0, 0, 11, 0, 64), 2)
    assert.equal(await ask(255, 255, 255, 255, 255, 255, 255, 255, 0, 64), 0)
    assert.equal(await ask(0, 0, 0, 0, 0, 0, 0, 1, 1, 1), 'network/refused')
    assert.equal(await ask(1), 'network/refused')
  })
})
