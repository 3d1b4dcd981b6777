/**
 * A light block: what convinces somebody who has no chain that a header is committed, and which sets
 * vote around it. A commit names an envelope by the Merkle root of its parts; the first part holds the
 * header; the header's `parentBeaconBlockRoot` names this epoch's set and the next.
 */
import { type BeaconLeaves, envelopeLeaves, rootOfLeaves } from '../chain/beaconRoot.ts'
import { type Commit, decodeCommit, encodeCommit } from '../chain/commit.ts'
import { decodeEnvelope, envelopeName, partBytes, partsOf } from '../chain/envelope.ts'
import { maxValidators } from '../params/protocol.ts'
import { type Address, addressBytes, addressFromBytes } from '../primitives/address.ts'
import { fromHex, toHex } from '../primitives/bytes.ts'
import { type CodecFault, decode, type Reader, Writer } from '../primitives/codec.ts'
import type { Hash } from '../primitives/hash.ts'
import {
  checkMerklePath,
  merkleLeaf,
  merkleLevels,
  merklePath,
  merkleRoot,
} from '../primitives/merkle.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { type Voter, type Voters, validatorSetHash } from '../registry/validatorSet.ts'
import { type LightHeader, type LightHeaderFault, readLightHeader } from './lightHeader.ts'

export type LightBlock = {
  readonly commit: Commit
  /** Bytes of the whole envelope, and the Merkle root over its parts: they make up its name. */
  readonly size: number
  readonly partsRoot: Hash
  readonly firstPart: Uint8Array
  /** Merkle path of the first part, 32 bytes each. */
  readonly path: readonly Uint8Array[]
  readonly leaves: Omit<BeaconLeaves, 'current' | 'next'>
  /** The set that votes on this height, and that of the next epoch. */
  readonly current: Voters
  readonly next: Voters
}

/** Why a light block does not hang together. */
export type LightBlockFault =
  | LightHeaderFault
  | { readonly code: 'light/name'; readonly expected: Hash; readonly got: Hash }
  | { readonly code: 'light/part' }
  | { readonly code: 'light/height'; readonly expected: bigint; readonly got: bigint }
  | { readonly code: 'light/sets'; readonly expected: Hash; readonly got: Hash }

const maxEnvelopeBytes = 16_777_216
const maxCommitBytes = 256
const maxPath = 8

/** The light block of a committed envelope; its bytes are our own chain's. */
export function lightBlockOf(
  envelopeBytes: Uint8Array,
  commit: Commit,
  sets: { readonly current: Voters; readonly next: Voters },
): LightBlock {
  const envelope = decodeEnvelope(envelopeBytes)
  invariant(envelope.ok, 'lightBlockOf: the envelope is damaged')
  const parts = partsOf(envelopeBytes)
  const digests = parts.map(merkleLeaf)
  return {
    commit,
    size: envelopeBytes.length,
    partsRoot: merkleRoot(digests),
    firstPart: parts[0]!,
    path: merklePath(merkleLevels(digests), 0),
    leaves: envelopeLeaves(envelope.value),
    ...sets,
  }
}

/**
 * Whether the pieces belong together: commit names envelope, envelope holds header, header names sets.
 * Says nothing about who signed.
 */
export function openLightBlock(block: LightBlock): Result<LightHeader, LightBlockFault> {
  const { commit, size, partsRoot, firstPart, path, leaves } = block
  const got = envelopeName(size, partsRoot)
  if (got !== commit.envelopeHash)
    return refuse({ code: 'light/name', expected: commit.envelopeHash, got })
  const count = Math.ceil(size / partBytes)
  const whole = firstPart.length === Math.min(size, partBytes)
  if (!whole || !checkMerklePath(partsRoot, count, 0, merkleLeaf(firstPart), path))
    return refuse({ code: 'light/part' })
  const header = readLightHeader(firstPart)
  if (!header.ok) return header
  const { number, beaconRoot } = header.value
  if (number !== commit.height)
    return refuse({ code: 'light/height', expected: commit.height, got: number })
  const current = validatorSetHash(block.current)
  const root = rootOfLeaves({ ...leaves, current, next: validatorSetHash(block.next) })
  return root === beaconRoot
    ? header
    : refuse({ code: 'light/sets', expected: beaconRoot, got: root })
}

export function encodeLightBlock(block: LightBlock): Uint8Array {
  const { commit, size, partsRoot, firstPart, path, leaves, current, next } = block
  const writer = new Writer()
    .blob(encodeCommit(commit))
    .uint(size, 4)
    .hash(partsRoot)
    .blob(firstPart)
    .list(path, (digest, to) => to.fixed(digest))
    .hash(leaves.parentCommit)
    .hash(leaves.reveal)
    .hash(leaves.evidence)
  return writer.list(current.validators, writeVoter).list(next.validators, writeVoter).bytes()
}

export function decodeLightBlock(bytes: Uint8Array): Result<LightBlock, CodecFault> {
  const read = decode(bytes, (reader) => ({
    commit: reader.blob(maxCommitBytes),
    size: reader.number(4, maxEnvelopeBytes),
    partsRoot: reader.hash(),
    firstPart: reader.blob(partBytes),
    path: reader.list(maxPath, (from) => from.fixed(32)),
    leaves: { parentCommit: reader.hash(), reveal: reader.hash(), evidence: reader.hash() },
    current: { validators: reader.list(maxValidators, readVoter) },
    next: { validators: reader.list(maxValidators, readVoter) },
  }))
  if (!read.ok) return read
  const commit = decodeCommit(read.value.commit)
  return commit.ok ? ok({ ...read.value, commit: commit.value }) : commit
}

function writeVoter({ address, publicKey, power, slotWeight }: Voter, writer: Writer): void {
  writer.fixed(addressBytes(address)).fixed(fromHex(publicKey)).uint(power, 16).uint(slotWeight, 16)
}

function readVoter(reader: Reader): Voter {
  const address: Address = addressFromBytes(reader.fixed(20))
  const publicKey = toHex(reader.fixed(48))
  return { address, publicKey, power: reader.uint(16), slotWeight: reader.uint(16) }
}
