/**
 * The part of `Registry` that is about collections: founding, joining, and working out values.
 */
import type { ChainParams } from '../../params/chainParams.ts'
import { toHex } from '../../primitives/bytes.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { costFault } from '../../proof/certificateCost.ts'
import {
  collectionAt,
  collectionCount,
  foundCollection,
  joinCollection,
  readCollection,
  readTrial,
} from '../../registry/collections.ts'
import { encodeJob } from '../../registry/job.ts'
import { valueCollection } from '../../registry/valuation.ts'
import type { NativeCall, NativeOutcome } from '../nativeModule.ts'
import { type JobSpec, termsOf } from './jobs.ts'
import { answer, type Handler } from './module.ts'

export const collectionItems = [
  'struct Phase { uint32 fromStep; uint8[] updateShifts; uint8[] backwardShifts; }',
  'struct HeldOut { bytes32 dataset; uint32 rows; }',
  'struct JobSpec { uint8 proofKind; bytes32 dataset; uint32[] layers; uint32 batch; uint32 steps; uint16 leaseSteps; uint8 fractionBits; uint8[] forwardShifts; Phase[] schedule; uint8 initBound; uint128 pricePerMac; HeldOut heldOut; }',
  'struct CollectionView { bytes32 name; address founder; uint32 rounds; bytes32[] datasets; uint8 joined; uint64 agreedAt; uint64 valuedAt; uint256[] values; }',

  'function foundCollection(string title, JobSpec trial, bytes32[] datasets, uint32 rounds) returns (bytes32 name)',
  'function joinCollection(bytes32 name, bytes32 dataset)',
  'function valueCollection(bytes32 name) returns (uint256[] values)',
  'function collection(bytes32 name) view returns (CollectionView found)',
  'function collectionTrial(bytes32 name) view returns (bytes canonical)',
  'function collectionCount() view returns (uint256 count)',
  'function collectionAt(uint256 index) view returns (bytes32 name)',

  'event CollectionFounded(bytes32 indexed name, address indexed founder, string title, bytes32[] datasets, uint32 rounds)',
  'event CollectionJoined(bytes32 indexed name, bytes32 indexed dataset, address indexed owner)',
  'event CollectionValued(bytes32 indexed name, bytes32[] datasets, uint256[] values)',

  'error OutOfRange(string field, uint256 got, uint256 min, uint256 max)',
  'error Wraps(string family, uint256 got, uint256 max)',
  'error Twice(bytes32 dataset)',
  'error AlreadyAgreed(bytes32 name)',
  'error NotAgreed(bytes32 name)',
  'error AlreadyValued(bytes32 name)',
  'error NotTried(uint256 subset)',
  'error ProofKindUnavailable(uint8 proofKind)',
] as const

/** Handlers of {@link collectionItems}. @param refuse - the module's own way to refuse. */
export function collectionHandlers(
  params: ChainParams,
  chainId: number,
  refuse: (fault: { readonly code: string }) => NativeOutcome,
): Readonly<Record<string, Handler>> {
  async function found(call: NativeCall): Promise<NativeOutcome> {
    const [title, spec, datasets, rounds] = call.args as [string, JobSpec, readonly Hash[], number]
    const { world, caller, block } = call
    const terms = termsOf(spec)
    if (terms === null)
      return { ok: false, errorName: 'ProofKindUnavailable', args: [spec.proofKind] }
    const { heldOut, ...rest } = terms
    if (heldOut === undefined)
      return refuse({ code: 'registry/badShape', ...{ field: 'heldOut', got: 0n } })
    const trial = { ...rest, heldOut, chainId, owner: caller, nonce: 0n }
    const founding = { title, trial, datasets, rounds }
    const name = await foundCollection(world, params, founding, block.height)
    if (!name.ok) return refuse(name.fault)
    // Only what is admitted has shapes to ask; the refusal undoes the founding.
    const dear = costFault(trial, params)
    if (dear !== null) return refuse(dear)
    const joined = (await readCollection(world, name.value))!.joined
    call.emit('CollectionFounded', { name: name.value, founder: caller, title, datasets, rounds })
    for (const [i, dataset] of datasets.entries())
      if ((joined >> i) & 1)
        call.emit('CollectionJoined', { name: name.value, dataset, owner: caller })
    return answer(name.value)
  }

  async function join(call: NativeCall): Promise<NativeOutcome> {
    const [name, dataset] = call.args as [Hash, Hash]
    const { world, caller, block } = call
    const joined = await joinCollection(world, name, dataset, caller, block.height)
    if (!joined.ok) return refuse(joined.fault)
    call.emit('CollectionJoined', { name, dataset, owner: caller })
    return answer()
  }

  async function value(call: NativeCall): Promise<NativeOutcome> {
    const [name] = call.args as [Hash]
    const values = await valueCollection(call.world, name, call.block.height)
    if (!values.ok) return refuse(values.fault)
    const { datasets } = (await readCollection(call.world, name))!
    call.emit('CollectionValued', { name, datasets, values: values.value })
    return answer(values.value)
  }

  const unknown = (id: Hash) => refuse({ code: 'registry/unknown', ...{ id } })
  return {
    foundCollection: found,
    joinCollection: join,
    valueCollection: value,
    collection: async ({ world, args }) => {
      const [name] = args as [Hash]
      const collection = await readCollection(world, name)
      return collection === null ? unknown(name) : answer(collection)
    },
    collectionTrial: async ({ world, args }) => {
      const [name] = args as [Hash]
      if ((await readCollection(world, name)) === null) return unknown(name)
      const { trial } = await readTrial(world, name)
      return answer(toHex(encodeJob(trial)))
    },
    collectionCount: async ({ world }) => answer(BigInt(await collectionCount(world))),
    collectionAt: async ({ world, args }) => {
      const [index] = args as [bigint]
      if (index >= BigInt(await collectionCount(world))) return unknown(zeroHash)
      return answer(await collectionAt(world, Number(index)))
    },
  }
}
