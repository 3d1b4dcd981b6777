/**
 * A validator as keeper: it fetches what it must keep, answers challenges by itself, and steps back in
 * time from what its operator refuses. Rules E-31 to E-36 of docs/spec/economy.md.
 */
import { encodeFunctionData } from 'viem'
import { stateBytes } from '../compute/modelState.ts'
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { type Hex, toHex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import { type Challenge, isKept, openChallenges, type Part } from '../registry/challenges.ts'
import { partsOf, readDataset } from '../registry/datasets.ts'
import { encodeJob } from '../registry/job.ts'
import { readJob } from '../registry/jobRecord.ts'
import { hasDeclined, keepersOf } from '../registry/keepers.ts'
import { hashOfWord, listItems } from '../registry/layout.ts'
import { modelAt, modelCount } from '../registry/models.ts'
import type { World } from '../registry/records.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import { custodyAbi } from '../vm/modules/custody.ts'
import type { EnsureBlob } from './leaseTraining.ts'
import { type Logger, logFields } from './logger.ts'
import type { ProofPool } from './proofPool.ts'
import type { SendCall } from './sender.ts'

export type KeeperModules = {
  readonly self: Address
  readonly params: ChainParams
  readonly pool: Pick<ProofPool, 'show'>
  readonly blobs: Pick<BlobStore, 'readAll' | 'path' | 'has'>
  readonly ensureBlob: EnsureBlob
  /** Blobs that the operator refuses to keep. */
  readonly refused: ReadonlySet<Hash>
  readonly send: SendCall
  readonly log: Logger
}

export type Keeper = {
  /** The head moved: answer what is asked, step back from what is refused, fetch what is to be kept. */
  readonly onHead: (world: World, head: bigint) => Promise<void>
  readonly stop: () => void
}

/** Blocks that a call may wait for its inclusion before it is made again. */
const patience = 4n
/** Newest models looked at in turn, one at each head. */
const lookedAt = 64n
/** Gas of an answer besides its bytes, and of stepping back; what is not used is not paid. */
const answerGas = 1_500_000n
const byteGas = 80n
const declineGas = 1_000_000n

export function createKeeper(modules: KeeperModules): Keeper {
  const { self, params, pool, blobs, ensureBlob, refused, send, log } = modules
  const stopping = new AbortController()
  /** Calls under way, and the head at which those that were sent were. */
  const busy = new Set<string>()
  const sent = new Map<string, bigint>()

  async function onHead(world: World, head: bigint): Promise<void> {
    for (const [what, since] of sent) if (head >= since + patience) sent.delete(what)
    for (const challenge of await openChallenges(world, params, head))
      if (challenge.keeper === self)
        begin(`answer ${challenge.drawnAt}`, head, () => answer(world, challenge))
    for (const word of await listItems(world.jobs, 'active')) await lookAt(world, word, head)
    await keepModel(world, head)
  }

  /** Carry `work` out unless it is under way, or was done a moment ago. */
  function begin(what: string, head: bigint, work: () => Promise<Result<Hash, Fault>>): void {
    if (busy.has(what) || sent.has(what) || stopping.signal.aborted) return
    busy.add(what)
    work()
      .then((done) => {
        if (done.ok) sent.set(what, head)
        if (done.ok) log.info({ what, transaction: done.value }, 'keeper')
        else log.warn({ what, fault: logFields(done.fault) }, 'keeper')
      })
      .catch((error) => log.error({ err: error }, 'keeper failed'))
      .finally(() => busy.delete(what))
  }

  async function answer(world: World, challenge: Challenge): Promise<Result<Hash, Fault>> {
    const part = await find(world, challenge)
    if (!part.ok) return part
    const { data, path } = part.value
    const args = [challenge.drawnAt, toHex(data), path.map(toHex)] as const
    const gas = answerGas + byteGas * BigInt(data.length + 32 * path.length)
    return call(encodeFunctionData({ abi: custodyAbi, functionName: 'answer', args }), gas)
  }

  async function find(
    world: World,
    { kind, job, blob, index }: Challenge,
  ): Promise<Result<Part, Fault>> {
    const record = await readJob(world, job)
    if (record === null) return refuse({ code: 'jobs/unknown' })
    const { signal } = stopping
    const there = await ensureBlob(blob, signal)
    if (!there.ok) return there
    if (kind === 'rows') return pool.show({ index, of: { rows: blobs.path(blob) } }, { signal })
    const state = await blobs.readAll(blob, stateBytes(record.job))
    if (!state.ok) return state
    return pool.show({ index, of: { job: encodeJob(record.job), state: state.value } }, { signal })
  }

  /** Step back from a running job's rows that are refused, before anybody asks for them. */
  async function lookAt(world: World, job: bigint, head: bigint): Promise<void> {
    if (refused.size === 0) return
    const record = await readJob(world, hashOfWord(job))
    const dataset = record === null ? null : await readDataset(world, record.job.dataset)
    for (const { root, blob } of dataset === null ? [] : partsOf(dataset)) {
      if (!refused.has(blob) || (await hasDeclined(world, root, self))) continue
      const data = encodeFunctionData({ abi: custodyAbi, functionName: 'decline', args: [root] })
      begin(`decline ${root}`, head, () => call(data, declineGas))
    }
  }

  /** Fetch one of the newest models, if it is this node's to keep: another one at each head. */
  async function keepModel(world: World, head: bigint): Promise<void> {
    const count = BigInt(await modelCount(world))
    if (count === 0n) return
    const turn = head % (count < lookedAt ? count : lookedAt)
    const record = await readJob(world, await modelAt(world, Number(count - 1n - turn)))
    if (record === null || !isKept(record, params, head)) return
    const { id, job, state } = record
    if (refused.has(state.weights) || (await blobs.has(state.weights))) return
    const keepers = await keepersOf(world, params, { kind: 'weights', name: id, job }, head)
    if (!keepers.includes(self) || busy.has(state.weights)) return
    busy.add(state.weights)
    ensureBlob(state.weights, stopping.signal, stateBytes(job))
      .then((there) => {
        if (!there.ok) log.debug({ fault: logFields(there.fault) }, 'a model is not to be had')
      })
      .catch((error) => log.error({ err: error }, 'fetching a model'))
      .finally(() => busy.delete(state.weights))
  }

  async function call(data: Hex, gas: bigint): Promise<Result<Hash, Fault>> {
    const done = await send({ to: moduleAddresses.custody, data, gas })
    return done.ok ? ok(done.value) : done
  }

  return { onHead, stop: () => stopping.abort() }
}
