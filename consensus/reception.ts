/**
 * Reception: what peers send is decoded, checked and handed to the present height. Whoever sends what no
 * honest node sends is named; what is merely late, early or known is dropped without blame.
 */
import type { Commit } from '../chain/commit.ts'
import { envelopeHashOf } from '../chain/envelope.ts'
import type { Hash } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'
import { verifyCommit } from './commit.ts'
import type { CommitFault } from './commitCheck.ts'
import { conflictingCommits } from './conflictingCommits.ts'
import type { DriverModules, PeerId } from './driverModules.ts'
import type { HeightDriver } from './heightDriver.ts'
import type { Mail } from './inbox.ts'
import { checkProposal, voteShapeFault } from './intake.ts'
import type { Proposal, Vote } from './messages.ts'
import type { Peering } from './peering.ts'
import type { ClaimedVote } from './pendingVotes.ts'
import { keepsRound } from './round.ts'
import type { Progress, ValueFault } from './valueStore.ts'
import { tallyOf } from './votes.ts'
import { decodeWire, type WireMessage } from './wire.ts'

export type ReceptionModules = Pick<
  DriverModules,
  'chainId' | 'misbehaved' | 'loadCommitted' | 'setAt' | 'onEvidence' | 'onEvent'
> & {
  readonly current: () => HeightDriver
  readonly peering: Peering
  /** A verified commit of the present height and its envelope. */
  readonly takeOver: (bytes: Uint8Array, commit: Commit) => Promise<void>
}

type CommittedFault =
  | CommitFault
  | { readonly code: 'committed/name'; readonly expected: Hash; readonly got: Hash }

/** A decoded message. */
type Received = { readonly peer: PeerId; readonly message: WireMessage }

export type Reception = {
  /** Decode messages; all their votes are kept first, so that they are verified together. */
  readonly open: (mail: readonly Mail[]) => readonly Received[]
  readonly receive: (received: Received) => Promise<void>
}

export function createReception(modules: ReceptionModules): Reception {
  const { chainId, misbehaved, current, peering, takeOver } = modules
  const { loadCommitted, setAt, onEvidence, onEvent } = modules

  function open(mail: readonly Mail[]): readonly Received[] {
    const received = mail.flatMap(({ peer, bytes }): readonly Received[] => {
      const message = decodeWire(bytes)
      if (!message.ok) misbehaved(peer, message.fault)
      return message.ok ? [{ peer, message: message.value }] : []
    })
    const news = received.flatMap(votesIn).filter(({ peer, vote }) => isNews(peer, vote))
    current().keepVotes(news)
    return received
  }

  /** Whether a vote is one of our height that the machine does not have. */
  function isNews(peer: PeerId, vote: Vote): boolean {
    const { electorate, state } = current()
    if (vote.height !== electorate.height) {
      if (vote.height > electorate.height) peering.onOtherHeight(peer, vote.height)
      return false
    }
    const fault = voteShapeFault(electorate, vote)
    if (fault !== null) misbehaved(peer, fault)
    if (fault !== null || !keepsRound(state(), vote.round)) return false
    const tally = tallyOf(state().votes, vote.round, vote.kind)
    return !tally.byMember.get(vote.index)?.some(({ hash }) => hash === vote.hash)
  }

  async function receive({ peer, message }: Received): Promise<void> {
    switch (message.type) {
      case 'status':
        return peering.onStatus(peer, message.status)
      case 'votes':
        return current().onVotes()
      case 'proposal':
        return onProposal(peer, message.proposal)
      case 'part':
        return onValue(peer, message.part.height, ({ store }) => store.addPart(message.part))
      case 'sidecar':
        return onValue(peer, message.height, ({ store }) =>
          store.addSidecar(message.value, message.bytes),
        )
      case 'committed':
        return onCommitted(peer, message.bytes, message.commit)
      default:
        return message satisfies never
    }
  }

  async function onProposal(peer: PeerId, proposal: Proposal): Promise<void> {
    const { electorate, state, onProposal: take } = current()
    const { height, round } = proposal
    if (height > electorate.height) return peering.onOtherHeight(peer, height)
    const { round: now, candidates } = state()
    const wanted = (round === now || round === now + 1) && !candidates.has(round)
    if (height !== electorate.height || !wanted) return
    const checked = checkProposal(electorate, proposal)
    if (checked.ok) await take(checked.value)
    else misbehaved(peer, checked.fault)
  }

  async function onValue(
    peer: PeerId,
    height: bigint,
    add: (at: HeightDriver) => Result<Progress, ValueFault>,
  ): Promise<void> {
    const at = current()
    if (height > at.electorate.height) return peering.onOtherHeight(peer, height)
    if (height !== at.electorate.height) return
    const added = add(at)
    if (!added.ok) misbehaved(peer, added.fault)
    else if (added.value === 'completed') await at.onValue()
  }

  async function onCommitted(peer: PeerId, bytes: Uint8Array, commit: Commit): Promise<void> {
    const { electorate } = current()
    if (commit.height < electorate.height) return onOldCommit(peer, commit)
    if (commit.height !== electorate.height) return
    const verified = verifyCommit(commit, electorate.set, chainId)
    if (!verified.ok) return misbehaved(peer, verified.fault)
    const got = envelopeHashOf(bytes)
    const expected = commit.envelopeHash
    const fault: CommittedFault = { code: 'committed/name', expected, got }
    if (got !== expected) return misbehaved(peer, fault)
    await takeOver(bytes, commit)
  }

  /** A commit for another value than ours at a height that is over convicts a third, or is forged. */
  async function onOldCommit(peer: PeerId, commit: Commit): Promise<void> {
    const { height, round } = commit
    const ours = (await loadCommitted(height))?.commit
    if (ours === undefined || ours.envelopeHash === commit.envelopeHash) return
    const verified = verifyCommit(commit, await setAt(height), chainId)
    if (!verified.ok) return misbehaved(peer, verified.fault)
    onEvent({ type: 'fork', height, rounds: [ours.round, round] })
    if (ours.round === round)
      onEvidence({ type: 'commits', pair: conflictingCommits(ours, commit) })
  }

  return { open, receive }
}

function votesIn({ peer, message }: Received): readonly ClaimedVote[] {
  return message.type === 'votes' ? message.votes.map((vote) => ({ peer, vote })) : []
}
