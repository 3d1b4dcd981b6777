/**
 * A committed block as nodes hand it to those that catch up: envelope, commit, and the sidecars of its
 * certificates while they are kept.
 */
import type { Chain } from '../chain/chain.ts'
import { envelopeHashOf } from '../chain/envelope.ts'
import type { LackFault } from '../network/blockSync.ts'
import { type CodecFault, decode, Writer } from '../primitives/codec.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Fault, invariant, type Result, refuse } from '../primitives/result.ts'
import { sidecarName } from '../registry/sidecar.ts'
import type { SidecarStore } from './sidecarStore.ts'
import type { Values } from './values.ts'

export type BlockRecord = {
  readonly envelope: Uint8Array
  readonly commit: Uint8Array
  readonly sidecars: readonly Uint8Array[]
}

/** Blocks whose sidecars every node keeps, and gives to who catches up. */
export const sidecarRetention = 4_096n

/** Longest envelope and commit in a record. */
const maxEnvelopeBytes = 8_650_752
const maxCommitBytes = 256
const maxSidecars = 256

/** What `judgeSidecars` says of a proof that is not there. */
const missing = 'block/sidecarMissing'

export function decodeBlockRecord(
  bytes: Uint8Array,
  maxSidecarBytes: number,
): Result<BlockRecord, CodecFault> {
  return decode(bytes, (reader) => ({
    envelope: reader.blob(maxEnvelopeBytes),
    commit: reader.blob(maxCommitBytes),
    sidecars: reader.list(maxSidecars, (from) => from.blob(maxSidecarBytes)),
  }))
}

export type RecordModules = {
  readonly chain: Chain
  readonly sidecars: Pick<SidecarStore, 'get' | 'put'>
}

export type ApplyModules = RecordModules & {
  readonly values: Pick<Values, 'requiredSidecars' | 'judgeSidecars'>
  /** A sidecar that the record's giver no longer has, from any peer; or null. */
  readonly fetchSidecar: (name: Hash, maxBytes: number) => Promise<Uint8Array | null>
}

/** The record of `height`, or null if the block is not here. */
export async function loadBlockRecord(
  { chain, sidecars }: RecordModules,
  required: Values['requiredSidecars'],
  height: bigint,
): Promise<Uint8Array | null> {
  const [envelope, commit] = [await chain.envelopeAt(height), await chain.commitAt(height)]
  if (envelope === null || commit === null) return null
  const kept: Uint8Array[] = []
  for (const name of required(envelope)) {
    const found = await sidecars.get(name)
    if (found !== null) kept.push(found.bytes)
  }
  return new Writer()
    .blob(envelope)
    .blob(commit)
    .list(kept, (sidecar, writer) => writer.blob(sidecar))
    .bytes()
}

/**
 * Apply the record of the next height. Within the retention window its proofs are judged first; beyond
 * it, and for certificates that only re-execution could judge, the commit speaks for them. A proof that
 * no peer has is nobody's fault (`sync/lacking`), but nothing takes its place: the block is not applied.
 *
 * @param target - the greatest height that a peer claims.
 */
export async function applyBlockRecord(
  { chain, sidecars, values, fetchSidecar }: ApplyModules,
  bytes: Uint8Array,
  target: bigint,
): Promise<Result<unknown, Fault>> {
  const { maxSidecarBytes } = chain.rules.params
  const record = decodeBlockRecord(bytes, maxSidecarBytes)
  if (!record.ok) return record
  const { envelope, commit } = record.value
  const given = new Map<Hash, Uint8Array>(
    record.value.sidecars.map((sidecar) => [sidecarName(sidecar), sidecar]),
  )
  const required = new Set(values.requiredSidecars(envelope))
  const height = chain.head().height + 1n
  const extra = [...given.keys()].find((name) => !required.has(name))
  if (extra !== undefined) return refuse({ code: 'sync/sidecarUnknown', height, name: extra })
  if (height + sidecarRetention > target) {
    const judged = await judgeWhole()
    if (!judged.ok) return judged
  }
  const committed = await chain.commit(envelope, commit)
  if (committed.ok) for (const [name, sidecar] of given) await sidecars.put(height, name, sidecar)
  return committed

  /** Others are asked for what the record does not have, once it is known to have been decided. */
  async function judgeWhole(): Promise<Result<null, Fault>> {
    const judged = await values.judgeSidecars(envelope, given)
    if (judged.ok || judged.fault.code !== missing) return judged
    const set = await chain.setAt(height)
    invariant(set !== null, `blockRecord: no set for block ${height}`)
    const { verifyCommit } = chain.rules.consensus
    const decided = verifyCommit(commit, height, envelopeHashOf(envelope), set)
    if (!decided.ok) return refuse({ code: 'block/commit', height, fault: decided.fault })
    await fetchMissing()
    const again = await values.judgeSidecars(envelope, given)
    if (again.ok || again.fault.code !== missing) return again
    const lack: LackFault = { code: 'sync/lacking', height }
    return refuse(lack)
  }
  async function fetchMissing(): Promise<void> {
    for (const name of required) {
      const found = given.has(name) ? null : await fetchSidecar(name, maxSidecarBytes)
      if (found !== null) given.set(name, found)
    }
  }
}
