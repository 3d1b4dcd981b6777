/**
 * A status: what one peer tells another about where it stands, so that the other can send what it
 * lacks. Nothing in it is trusted; it only steers what is sent back.
 */
import { maxValidators } from '../params/protocol.ts'
import type { Reader, Writer } from '../primitives/codec.ts'
import type { Hash } from '../primitives/hash.ts'
import { Step } from './machineState.ts'
import { maxRound } from './messages.ts'

export type Status = {
  readonly height: bigint
  readonly round: number
  readonly step: Step
  readonly hasProposal: boolean
  /** Members whose votes of `round` are in hand. */
  readonly prevotes: Uint8Array
  readonly precommits: Uint8Array
  /** Prevotes of the earlier round on which the proposal at hand rests, for its value. */
  readonly proof: ProofWant | null
  /** The value most urgently looked for. */
  readonly want: ValueWant | null
  /**
   * Send bulk: others' votes, parts and sidecars, or the commit of a height that is over. Asked of a few
   * peers at a time, or everybody would send the same.
   */
  readonly ask: boolean
}

export type ProofWant = {
  readonly round: number
  readonly value: Hash
  readonly prevotes: Uint8Array
}

export type ValueWant = {
  readonly value: Hash
  /** Parts in hand. */
  readonly parts: Uint8Array
  /** Sidecars in hand, in the order in which the envelope requires them; null before it is whole. */
  readonly sidecars: Uint8Array | null
}

const memberBytes = Math.ceil(maxValidators / 8)
/** Up to 256 parts (16 MiB) and 256 sidecars. */
const itemBytes = 32

const steps = [Step.Propose, Step.Prevote, Step.Precommit] as const

export function writeStatus(status: Status, writer: Writer): Writer {
  const { proof, want } = status
  const sidecars = want?.sidecars ?? null
  const flags =
    (status.hasProposal ? 1 : 0) +
    (status.ask ? 2 : 0) +
    (proof === null ? 0 : 4) +
    (want === null ? 0 : 8) +
    (sidecars === null ? 0 : 16)
  writer
    .uint(status.height, 8)
    .uint(status.round, 4)
    .uint(steps.indexOf(status.step), 1)
    .uint(flags, 1)
    .blob(status.prevotes)
    .blob(status.precommits)
  if (proof !== null) writer.uint(proof.round, 4).hash(proof.value).blob(proof.prevotes)
  if (want !== null) writer.hash(want.value).blob(want.parts)
  if (sidecars !== null) writer.blob(sidecars)
  return writer
}

export function readStatus(reader: Reader): Status {
  const height = reader.uint(8)
  const round = reader.number(4, maxRound)
  const step = steps[reader.number(1)] ?? reader.fail('step')
  const flags = reader.number(1, 31)
  if ((flags & 24) === 16) reader.fail('sidecars without a value')
  const prevotes = reader.blob(memberBytes)
  const precommits = reader.blob(memberBytes)
  const proof =
    flags & 4
      ? {
          round: reader.number(4, maxRound),
          value: reader.hash(),
          prevotes: reader.blob(memberBytes),
        }
      : null
  const want =
    flags & 8
      ? {
          value: reader.hash(),
          parts: reader.blob(itemBytes),
          sidecars: flags & 16 ? reader.blob(itemBytes) : null,
        }
      : null
  const hasProposal = (flags & 1) === 1
  const ask = (flags & 2) === 2
  return { height, round, step, hasProposal, prevotes, precommits, proof, want, ask }
}
