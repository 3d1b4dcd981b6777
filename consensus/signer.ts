/**
 * The signer: the validator's key behind a guard that never signs two different things for the same
 * height, round and step, not even across a crash.
 *
 * Before a signature leaves, the signed message is on disk (a new file, synced, renamed into place);
 * asked again for the same thing, it hands out the same message; asked for another, it refuses.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { equalBytes, type Hex } from '../primitives/bytes.ts'
import { type CodecFault, decode, Writer } from '../primitives/codec.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { publicKeyOf, sign, signReveal, verify } from './bls.ts'
import {
  type Proposal,
  proposalSignBytes,
  readProposal,
  readVote,
  type UnsignedProposal,
  type UnsignedVote,
  type Vote,
  voteSignBytes,
  writeProposal,
  writeVote,
} from './messages.ts'

/** Place in a height's course: proposal 0, prevote 1, precommit 2. */
export type Position = {
  readonly height: bigint
  readonly round: number
  readonly step: 0 | 1 | 2
}

/** The last thing that was signed. */
export type Signed =
  | { readonly type: 'proposal'; readonly proposal: Proposal }
  | { readonly type: 'vote'; readonly vote: Vote }

type SignerFault =
  /** Something else was signed at this very position. */
  | { readonly code: 'signer/conflict'; readonly at: Position }
  /** Something later was signed already. */
  | { readonly code: 'signer/past'; readonly at: Position; readonly last: Position }

export type SignerFileFault =
  | CodecFault
  /** What the file says was signed is not signed by this key on this chain. */
  | { readonly code: 'signer/foreign'; readonly path: string; readonly publicKey: Hex }

export type Signer = {
  readonly publicKey: Hex
  /** Resolves when the message is safe to send. @throws if the disk fails. */
  readonly signProposal: (proposal: UnsignedProposal) => Promise<Result<Proposal, SignerFault>>
  readonly signVote: (vote: UnsignedVote) => Promise<Result<Vote, SignerFault>>
  /** Reveals are the same whenever they are signed, so they need no guard. */
  readonly signReveal: (height: bigint) => Uint8Array
  readonly last: () => Signed | null
}

/**
 * Open the guard's file, which need not exist.
 *
 * @returns a fault if the file is damaged or another key's: the operator must decide, since guessing may
 * sign twice.
 */
export async function openSigner(
  path: string,
  secretKey: Uint8Array,
  chainId: number,
): Promise<Result<Signer, SignerFileFault>> {
  const publicKey = publicKeyOf(secretKey)
  const stored = await readIfThere(path)
  const decoded = stored === null ? ok(null) : decodeSigned(stored)
  if (!decoded.ok) return decoded
  if (decoded.value !== null && !isOurs(decoded.value, publicKey, chainId))
    return refuse({ code: 'signer/foreign', path, publicKey })
  await mkdir(dirname(path), { recursive: true })
  let last: Signed | null = decoded.value
  // One request after another: the check and the write belong together.
  let turn: Promise<unknown> = Promise.resolve()

  function guarded<T extends Signed>(at: Position, message: Uint8Array, make: () => T) {
    const result = turn.then(() => guard(at, message, make))
    turn = result.catch(() => {})
    return result
  }

  async function guard<T extends Signed>(
    at: Position,
    message: Uint8Array,
    make: () => T,
  ): Promise<Result<T, SignerFault>> {
    const before = last === null ? null : positionOf(last)
    const order = before === null ? 1 : compare(at, before)
    if (order < 0) return refuse({ code: 'signer/past', at, last: before! })
    if (order === 0)
      return equalBytes(signBytesOf(last!, chainId), message)
        ? ok(last as T)
        : refuse({ code: 'signer/conflict', at })
    const signed = make()
    await writeDurably(path, encodeSigned(signed))
    last = signed
    return ok(signed)
  }

  return ok({
    publicKey,
    signReveal: (height) => signReveal(secretKey, chainId, height),
    last: () => last,
    signProposal: async (unsigned) => {
      const message = proposalSignBytes(chainId, unsigned)
      const signed = await guarded(positionOfProposal(unsigned), message, () => ({
        type: 'proposal',
        proposal: { ...unsigned, signature: sign(secretKey, message) },
      }))
      return signed.ok ? ok(signed.value.proposal) : signed
    },
    signVote: async (unsigned) => {
      const message = voteSignBytes(chainId, unsigned)
      const signed = await guarded(positionOfVote(unsigned), message, () => ({
        type: 'vote',
        vote: { ...unsigned, signature: sign(secretKey, message) },
      }))
      return signed.ok ? ok(signed.value.vote) : signed
    },
  })
}

export function positionOf(signed: Signed): Position {
  return signed.type === 'vote' ? positionOfVote(signed.vote) : positionOfProposal(signed.proposal)
}

/** Negative if `a` comes before `b`. */
export function compare(a: Position, b: Position): number {
  if (a.height !== b.height) return a.height < b.height ? -1 : 1
  return a.round === b.round ? a.step - b.step : a.round - b.round
}

function positionOfVote({ height, round, kind }: UnsignedVote): Position {
  return { height, round, step: kind === 'prevote' ? 1 : 2 }
}

function positionOfProposal({ height, round }: UnsignedProposal): Position {
  return { height, round, step: 0 }
}

function signBytesOf(signed: Signed, chainId: number): Uint8Array {
  return signed.type === 'vote'
    ? voteSignBytes(chainId, signed.vote)
    : proposalSignBytes(chainId, signed.proposal)
}

/** A checksum that also knows whose file it is. */
function isOurs(signed: Signed, publicKey: Hex, chainId: number): boolean {
  const { signature } = signed.type === 'vote' ? signed.vote : signed.proposal
  return verify(publicKey, signBytesOf(signed, chainId), signature)
}

function encodeSigned(signed: Signed): Uint8Array {
  return signed.type === 'vote'
    ? writeVote(signed.vote, new Writer().uint(1, 1)).bytes()
    : writeProposal(signed.proposal, new Writer().uint(0, 1)).bytes()
}

function decodeSigned(bytes: Uint8Array): Result<Signed, CodecFault> {
  return decode(bytes, (reader) =>
    reader.number(1, 1) === 1
      ? { type: 'vote', vote: readVote(reader) }
      : { type: 'proposal', proposal: readProposal(reader) },
  )
}

async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** After this resolves, either the old or the new content survives any crash, and the new one is there. */
async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const fresh = `${path}.new`
  const file = await open(fresh, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(fresh, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
