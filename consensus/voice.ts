/**
 * What this validator says at one height: votes and proposals. The log is synced first, then the guard
 * signs, and only then anything leaves.
 */
import type { Hash } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import type { DriverModules } from './driverModules.ts'
import type { Electorate } from './electorate.ts'
import { Step } from './machineState.ts'
import { type Proposal, type Vote, VoteKind } from './messages.ts'
import type { ValueStore } from './valueStore.ts'
import { encodeWire, type WireMessage } from './wire.ts'

export type VoiceModules = Pick<
  DriverModules,
  'signer' | 'wal' | 'network' | 'onEvent' | 'report'
> & {
  readonly electorate: Electorate
  readonly store: ValueStore
  /** Our place in the set; null says nothing. */
  readonly self: number | null
}

export type Voice = {
  /** The vote as it was sent, or null if we have no vote or the guard refused. */
  readonly vote: (kind: VoteKind, round: number, hash: Hash | null) => Promise<Vote | null>
  /** Propose a value that the store holds whole; parts and sidecars follow the proposal. */
  readonly propose: (
    round: number,
    value: Hash,
    validRound: number,
    time: bigint,
  ) => Promise<Proposal | null>
}

export function createVoice(modules: VoiceModules): Voice {
  const { signer, wal, network, onEvent, report, electorate, store, self } = modules
  const { height, setHash: validatorsHash } = electorate
  const say = (message: WireMessage) => network.broadcast(encodeWire(message))

  async function vote(kind: VoteKind, round: number, hash: Hash | null): Promise<Vote | null> {
    if (signer === null || self === null) return null
    await wal.sync()
    const unsigned = { kind, height, round, hash, validatorsHash, index: self }
    const signed = await signer.signVote(unsigned)
    if (!signed.ok) {
      report(new Error('vote not signed', { cause: signed.fault }))
      return null
    }
    say({ type: 'votes', votes: [signed.value] })
    const step = kind === VoteKind.Prevote ? Step.Prevote : Step.Precommit
    onEvent({ type: 'vote', height, round, step, hash })
    return signed.value
  }

  async function propose(
    round: number,
    value: Hash,
    validRound: number,
    time: bigint,
  ): Promise<Proposal | null> {
    if (signer === null || self === null) return null
    const bytes = store.bytesOf(value)
    const partsRoot = store.partsRootOf(value)
    invariant(bytes !== null && partsRoot !== null, 'voice: proposing a value without its bytes')
    await wal.sync()
    const signed = await signer.signProposal({
      height,
      round,
      validRound,
      envelopeHash: value,
      size: bytes.length,
      partsRoot,
      time,
      validatorsHash,
      proposer: self,
    })
    if (!signed.ok) {
      report(new Error('proposal not signed', { cause: signed.fault }))
      return null
    }
    say({ type: 'proposal', proposal: signed.value })
    const nothing = { value, parts: new Uint8Array(), sidecars: null }
    for (const message of store.supply(nothing, Number.POSITIVE_INFINITY)) say(message)
    return signed.value
  }

  return { vote, propose }
}
