/**
 * One height, driven: feeds inputs to the machine in order, logs them, and carries out the effects.
 * Lives from the commit of the height before to its own decision; everything runs in the driver's
 * mailbox.
 */
import type { Hash } from '../primitives/hash.ts'
import { type Fault, invariant, type Result } from '../primitives/result.ts'
import type { ValidatorSet } from '../registry/validatorSet.ts'
import type { BuiltValue, DriverModules, Head, Judged } from './driverModules.ts'
import { type Electorate, electorateOf, heightRulesOf, placeOf } from './electorate.ts'
import { duplicateVote } from './evidence.ts'
import { checkVoteSignatures, type VoteFault } from './intake.ts'
import { createJudging } from './judging.ts'
import { startHeight, step } from './machine.ts'
import { type Effect, type Input, type State, Step } from './machineState.ts'
import type { Proposal, VoteKind } from './messages.ts'
import { type ClaimedVote, createPendingVotes } from './pendingVotes.ts'
import { createProposing } from './proposing.ts'
import { replayHeight } from './replay.ts'
import { isTimely } from './timeouts.ts'
import { createTimers } from './timers.ts'
import { createValueStore, type ValueStore } from './valueStore.ts'
import { createVoice } from './voice.ts'
import type { WalContent } from './wal.ts'

export type HeightModules = DriverModules & {
  readonly parent: Head
  readonly set: ValidatorSet
  /** Run a task in the driver's mailbox, unless this height is over by then. */
  readonly post: (task: () => Promise<void>) => void
}

export type HeightDriver = {
  readonly electorate: Electorate
  readonly store: ValueStore
  readonly state: () => State
  /** Go through the log, then take up what was under way. Once, before anything else. */
  readonly begin: (content: WalContent) => Promise<void>
  readonly onProposal: (checked: Proposal) => Promise<void>
  /** Keep votes of a right shape until their signatures matter; {@link HeightDriver.onVotes} looks. */
  readonly keepVotes: (claimed: readonly ClaimedVote[]) => void
  readonly onVotes: () => Promise<void>
  /** Verify every vote that is kept. */
  readonly settleVotes: () => Promise<void>
  /** The value store has made progress. */
  readonly onValue: () => Promise<void>
  readonly onWork: () => void
  /** When the value was first heard of, on the node's clock; null if never. */
  readonly seenAt: (value: Hash) => number | null
  /** Stop timers, building and judging. */
  readonly end: () => void
}

export function createHeightDriver(modules: HeightModules): HeightDriver {
  const { clock, params, parent, set, signer, wal, onEvent, report } = modules
  const height = parent.height + 1n
  const electorate = electorateOf(modules.chainId, height, set, params)
  const self = placeOf(set, signer?.publicKey ?? null)
  const store = createValueStore({ ...modules, ...electorate, ...params })
  const voice = createVoice({ ...modules, electorate, store, self })
  const queue: Input[] = []
  const pending = createPendingVotes()
  const logged = new Set<Hash>()
  const firstSeen = new Map<Hash, number>()
  const rules = heightRulesOf(electorate, self)
  let state = startHeight(rules).state

  const timers = createTimers({
    ...modules,
    fire: (due, round) => modules.post(() => feed({ type: 'timeout', step: due, round })),
  })
  const proposing = createProposing({
    ...modules,
    height,
    built: (round, value) => modules.post(() => onBuilt(round, value)),
  })
  const judging = createJudging({
    ...modules,
    height,
    store,
    completed: (value) => {
      logEnvelope(value)
      queue.push({ type: 'complete', value })
    },
    ready: logSidecars,
    judged: (value, result) => modules.post(() => onJudged(value, result)),
  })

  /** Feed inputs until nothing is left to do. One that changes nothing is not worth logging. */
  async function feed(...inputs: readonly Input[]): Promise<void> {
    queue.push(...inputs)
    do {
      for (let input = queue.shift(); input !== undefined; input = queue.shift()) {
        const transition = step(state, input)
        if (transition.state !== state) wal.appendInput(input)
        state = transition.state
        for (const effect of transition.effects) await perform(effect)
      }
      judging.pursue(state)
      count(pending.takeDue(state))
    } while (queue.length > 0)
  }

  /** Queue the votes whose signatures are right; the others are held against who brought them. */
  function count(claimed: readonly ClaimedVote[]): void {
    const votes = claimed.map(({ vote }) => vote)
    const right = votes.length === 0 ? [] : checkVoteSignatures(electorate, votes)
    for (const [i, { peer, vote }] of claimed.entries()) {
      const { round, index } = vote
      const fault: VoteFault = { code: 'vote/signature', round, index }
      if (right[i]) queue.push({ type: 'vote', vote })
      else modules.misbehaved(peer, fault)
    }
  }

  async function perform(effect: Effect): Promise<void> {
    switch (effect.type) {
      case 'startRound':
        proposing.abandon()
        return onEvent({ type: 'round', height, round: effect.round })
      case 'propose':
        if (effect.value === null) return proposing.begin(effect.round)
        return propose(effect.round, effect.value.value, effect.value.round)
      case 'vote':
        return vote(effect.kind, effect.round, effect.hash)
      case 'scheduleTimeout':
        return timers.schedule(effect.step, effect.round)
      case 'evidence':
        onEvent({ type: 'evidence', height, index: effect.first.index })
        return modules.onEvidence({
          type: 'votes',
          pair: duplicateVote(effect.first, effect.second),
        })
      case 'commit':
        return wal.sync()
      default:
        return effect satisfies never
    }
  }

  async function vote(kind: VoteKind, round: number, hash: Hash | null): Promise<void> {
    if (state.rules.self === null) return
    const own = await voice.vote(kind, round, hash)
    if (own !== null) queue.push({ type: 'vote', vote: own })
  }

  /** L15-L19, for a new value with its `time`, or for our valid value, whose verdict knows it. */
  async function propose(
    round: number,
    value: Hash,
    validRound: number,
    time?: bigint,
  ): Promise<void> {
    const verdict = state.verdicts.get(value)
    const known = time ?? (verdict?.type === 'valid' ? verdict.time : undefined)
    invariant(known !== undefined, 'heightDriver: a valid value without its verdict')
    logEnvelope(value)
    logSidecars(value)
    const proposal = await voice.propose(round, value, validRound, known)
    if (proposal !== null) takeProposal(proposal)
  }

  async function onBuilt(round: number, { bytes, sidecars, time }: BuiltValue): Promise<void> {
    const late = state.round !== round || state.step !== Step.Propose
    if (late || state.candidates.has(round) || state.decided !== null) return
    const blobs = sidecars.map((sidecar) => sidecar.bytes)
    const value = store.addOwn(bytes, blobs)
    if (store.sidecarsOf(value) === null)
      return report(new Error('the built value lacks a sidecar that it requires'))
    await propose(round, value, -1, time)
    await feed()
  }

  function takeProposal(proposal: Proposal): void {
    const { round, validRound, time, envelopeHash: hash } = proposal
    if (state.candidates.has(round)) return
    const now = clock.now()
    const timely = validRound >= 0 || isTimely(params, parent, time, round, now)
    if (!firstSeen.has(hash)) firstSeen.set(hash, now)
    onEvent({ type: 'proposal', height, round, hash, own: proposal.proposer === self, timely })
    queue.push({ type: 'proposal', proposal, timely })
  }

  async function onJudged(value: Hash, result: Result<Judged, Fault>): Promise<void> {
    if (!result.ok) onEvent({ type: 'refused', height, hash: value, fault: result.fault })
    await feed({ type: 'judged', value, time: result.ok ? result.value.time : null })
  }

  /** The bytes of a value outlive a crash before any input or signature counts on them. */
  function logEnvelope(value: Hash): void {
    const bytes = store.bytesOf(value)
    if (logged.has(value) || bytes === null) return
    logged.add(value)
    wal.appendEnvelope(bytes)
  }

  function logSidecars(value: Hash): void {
    for (const [name, bytes] of store.sidecarsOf(value) ?? []) {
      if (logged.has(name)) continue
      logged.add(name)
      wal.appendSidecar(bytes)
    }
  }

  async function begin({ inputs, envelopes, sidecars, cut }: WalContent): Promise<void> {
    for (const bytes of envelopes) logged.add(store.addOwn(bytes, sidecars))
    for (const bytes of sidecars) logged.add(modules.sidecarName(bytes))
    const last = signer?.last() ?? null
    const replay = replayHeight(rules, inputs, (value) => store.bytesOf(value) !== null, last)
    state = replay.state
    onEvent({ type: 'height', height, replayed: inputs.length })
    if (cut > 0) onEvent({ type: 'torn', height, bytes: cut })
    if (replay.fault !== null) onEvent({ type: 'abstain', height, why: replay.fault })
    else if (last?.type === 'proposal' && last.proposal.height === height)
      takeProposal(last.proposal)
    for (const effect of replay.pending) await perform(effect)
    await feed()
  }

  return {
    electorate,
    store,
    state: () => state,
    begin,
    onProposal: (proposal) => {
      takeProposal(proposal)
      return feed()
    },
    keepVotes: (claimed) => {
      for (const one of claimed) pending.add(one)
    },
    onVotes: () => feed(),
    settleVotes: () => {
      count(pending.takeAll(state))
      return feed()
    },
    onValue: () => feed(),
    onWork: () => {
      timers.onWork()
      proposing.onWork()
    },
    seenAt: (value) => firstSeen.get(value) ?? null,
    end: () => {
      timers.cancel()
      proposing.abandon()
      judging.abandon()
    },
  }
}
