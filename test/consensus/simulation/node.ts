/**
 * A simulated node: the real machine, repeater and replay around what a driver would do, without keys
 * and disk. A crash loses what the log had not synced. A liar runs the same machine but votes for two
 * things and proposes two values.
 */
import { startHeight, step } from '../../../consensus/machine.ts'
import type { Claim, Effect, HeightRules, Input, State } from '../../../consensus/machineState.ts'
import { type Proposal, type Vote, VoteKind } from '../../../consensus/messages.ts'
import { replyTo, statusOf } from '../../../consensus/repeater.ts'
import { replayHeight } from '../../../consensus/replay.ts'
import { wantedValues } from '../../../consensus/round.ts'
import { compare, positionOf, type Signed } from '../../../consensus/signer.ts'
import type { Status } from '../../../consensus/status.ts'
import { timeoutMs } from '../../../consensus/timeouts.ts'
import { isQuorum, tallyOf, votesFor } from '../../../consensus/votes.ts'
import type { Hash } from '../../../primitives/hash.ts'
import { nameOf } from '../fixtures.ts'
import type { Message, Proof, World } from './world.ts'

export type SimNode = {
  readonly place: number
  readonly decided: ReadonlyMap<bigint, Proof>
  readonly start: () => void
  readonly receive: (from: number, message: Message) => void
  readonly tellStatus: () => void
  readonly round: () => number
  readonly isUp: () => boolean
  /** Forget everything that is not on disk; {@link SimNode.start} brings it back. */
  readonly crash: () => void
}

/** What the run wants to know. */
export type Witness = {
  readonly onDecision: (node: SimNode, height: bigint, proof: Proof) => void
  /** A vote that a node was given and had not seen. */
  readonly onVote: (node: SimNode, vote: Vote) => void
  /** An honest node's own vote. */
  readonly onCast: (vote: Vote) => void
  readonly onEvidence: (finder: number, culprit: number) => void
  readonly onRound: (round: number) => void
  readonly onAbstention: () => void
  /** A liar has said or kept back what an honest node would not have. */
  readonly onLie: () => void
}

/** Peers that are asked at a time. */
const askedPeers = 3

export function createSimNode(world: World, witness: Witness, place: number): SimNode {
  const { plan, later, below, chance } = world
  const liar = plan.liars.includes(place)
  const places = plan.powers.map((_, index) => index)
  const { strategy } = plan
  const decided = new Map<bigint, Proof>()
  const rate = 100 - plan.skew + below(2 * plan.skew + 1)
  const values = new Set<Hash>()
  /** Each judging is a thing of its own: one that was given up says nothing. */
  const judging = new Map<Hash, object>()
  let log: Input[] = []
  let synced = 0
  let signed: Signed | null = null
  let up = false
  /** Counts heights and restarts: timers of an earlier life do nothing. */
  let life = 0
  let made = 0
  /** Who is asked for more than its own votes, as in `peering.ts`. */
  let turn = 0
  let state: State = startHeight(rulesOf(1n)).state

  function rulesOf(height: bigint): HeightRules {
    const { powers } = plan
    const total = powers.reduce((a, b) => a + b, 0n)
    const proposer = (round: number) => (Number(height) + round) % powers.length
    return { height, powers, total, self: place, proposer }
  }

  function feed(...inputs: readonly Input[]): void {
    const queue = [...inputs]
    do {
      for (let input = queue.shift(); input !== undefined; input = queue.shift())
        for (const effect of applyInput(input)) queue.push(...perform(effect))
      queue.push(...pursue())
    } while (queue.length > 0)
    if (state.decided !== null) conclude(proofOf(state))
  }

  function applyInput(input: Input): readonly Effect[] {
    const next = step(state, input)
    if (next.state !== state) {
      log.push(input)
      if (input.type === 'vote') witness.onVote(node, input.vote)
    }
    state = next.state
    return next.effects
  }

  /** What judging the wanted values leads to: now, inputs; later, verdicts. */
  function pursue(): readonly Input[] {
    const wanted = wantedValues(state)
    for (const value of judging.keys())
      if (isSettled(value) || !wanted.includes(value)) judging.delete(value)
    const held = wanted.filter((value) => values.has(value))
    for (const value of held)
      if (state.verdicts.get(value)?.type === 'complete' && !judging.has(value)) judge(value)
    return held
      .filter((value) => !state.verdicts.has(value))
      .map((value) => ({ type: 'complete', value }))
  }

  function isSettled(value: Hash): boolean {
    const verdict = state.verdicts.get(value)
    return verdict !== undefined && verdict.type !== 'complete'
  }

  function judge(value: Hash): void {
    const token = {}
    judging.set(value, token)
    later(below(world.healed() ? 60 : 900), () => {
      if (judging.get(value) === token)
        feed({ type: 'judged', value, time: world.bad.has(value) && !liar ? null : 1n })
    })
  }

  /** Carry out an effect; the inputs it gives back come next. */
  function perform(effect: Effect): readonly Input[] {
    switch (effect.type) {
      case 'startRound':
        witness.onRound(effect.round)
        return []
      case 'propose':
        return propose(effect.round, effect.value)
      case 'vote':
        return castVote(effect.kind, effect.round, effect.hash)
      case 'scheduleTimeout':
        awaken(effect)
        return []
      case 'evidence':
        if (!liar) witness.onEvidence(place, effect.first.index)
        return []
      case 'commit':
        synced = log.length
        return []
      default:
        return effect satisfies never
    }
  }

  function awaken({ step: due, round }: Extract<Effect, { type: 'scheduleTimeout' }>): void {
    const then = life
    const { timeouts } = plan
    const delay = timeouts === undefined ? 400 + 250 * round : timeoutMs(timeouts, due, round)
    later(world.healed() ? delay : Math.floor((delay * rate) / 100), () => {
      if (life === then) feed({ type: 'timeout', step: due, round })
    })
  }

  /** What the guard does: true if the message may leave. */
  function guard(next: Signed): boolean {
    if (liar) return true
    const order = signed === null ? 1 : compare(positionOf(next), positionOf(signed))
    if (order < 0) return false
    if (order === 0) return namedBy(next) === namedBy(signed!)
    synced = log.length
    signed = next
    return true
  }

  function propose(round: number, again: Claim | null): readonly Input[] {
    if (liar && strategy === 'double' && again === null && chance(0.7)) return proposeTwice(round)
    const value = again?.value ?? nameOf(`value ${place} ${made++}`)
    if (liar && strategy === 'invalid' && again === null) spoil(value)
    // A proof of lock that nobody has seen.
    const stale = liar && strategy === 'stale' && round > 0 ? below(round) : -1
    const proposal = proposalOf(state.rules.height, round, again?.round ?? stale, value, place)
    if (!guard({ type: 'proposal', proposal })) return []
    return [tell(proposal, places)]
  }

  function spoil(value: Hash): void {
    witness.onLie()
    world.bad.add(value)
  }

  function proposeTwice(round: number): readonly Input[] {
    const { height } = state.rules
    const plot = [0, 1].map(() => nameOf(`value ${place} ${made++}`))
    world.plots.set(`${height}/${round}`, plot)
    witness.onLie()
    return plot.map((value, half) => {
      const proposal = proposalOf(height, round, -1, value, place)
      return tell(
        proposal,
        places.filter((to) => to % 2 === half),
      )
    })
  }

  function tell(proposal: Proposal, recipients: readonly number[]): Input {
    const { height, envelopeHash: value } = proposal
    values.add(value)
    for (const to of recipients) {
      world.send(place, to, { type: 'proposal', proposal })
      if (liar && strategy === 'withhold' && to % 3 !== 0) {
        witness.onLie()
        continue
      }
      world.send(place, to, { type: 'value', height, value })
    }
    return { type: 'proposal', proposal, timely: true }
  }

  function castVote(kind: VoteKind, round: number, hash: Hash | null): readonly Input[] {
    const { height, self } = state.rules
    if (self === null) return []
    const vote = voteOf(kind, height, round, liar ? wishFor(kind, hash) : hash, place)
    if (!guard({ type: 'vote', vote })) return []
    if (!liar) witness.onCast(vote)
    for (const to of places) tellVote(vote, to)
    world.signed.add(ballotOf(vote))
    if (liar && strategy === 'forge') forge(round)
    return [{ type: 'vote', vote }]
  }

  function tellVote(vote: Vote, to: number): void {
    const told = liar && strategy === 'double' ? { ...vote, hash: lieFor(to) } : vote
    world.signed.add(ballotOf(told))
    world.send(place, to, { type: 'votes', votes: [told, ...oldLies(to)] })
  }

  /** Who has forgotten its lock prevotes what is proposed. */
  function wishFor(kind: VoteKind, hash: Hash | null): Hash | null {
    if (strategy !== 'amnesia' || kind !== VoteKind.Prevote) return hash
    const wish = state.candidates.get(state.round)?.proposal.envelopeHash ?? hash
    if (wish !== hash) witness.onLie()
    return wish
  }

  /** Votes of rounds long gone, and of rounds to come. */
  function oldLies(to: number): readonly Vote[] {
    if (!liar || strategy !== 'stale') return []
    const { height } = state.rules
    const round = chance(0.5) ? below(state.round + 1) : state.round + below(4)
    const lie = voteOf(VoteKind.Prevote, height, round, lieFor(to), place)
    witness.onLie()
    world.signed.add(ballotOf(lie))
    return [lie]
  }

  /** A commit for a value of its own that only liars have signed, with or without others' names. */
  function forge(round: number): void {
    const { height } = state.rules
    const value = nameOf(`forged ${place} ${made++}`)
    const signers = chance(0.5) ? plan.liars : places
    witness.onLie()
    for (const to of places) {
      world.signed.add(ballotOf(voteOf(VoteKind.Precommit, height, round, value, place)))
      world.send(place, to, { type: 'committed', height, proof: { value, round, signers } })
    }
  }

  /** What verifying a commit comes to: enough power, and every signer has signed. */
  function holds(height: bigint, { value, round, signers }: Proof): boolean {
    const { powers, total } = rulesOf(height)
    const power = signers.reduce((sum, at) => sum + powers[at]!, 0n)
    const signed = (at: number) =>
      world.signed.has(ballotOf(voteOf(VoteKind.Precommit, height, round, value, at)))
    return isQuorum(power, total) && signers.every(signed)
  }

  /** To each half the value that was proposed to it; without a plot, whatever is about. */
  function lieFor(to: number): Hash | null {
    const plot = world.plots.get(`${state.rules.height}/${state.round}`)
    if (plot?.length === 2 && chance(0.9)) return plot[to % 2]!
    const hashes = [null, ...values]
    return hashes[below(hashes.length)] ?? null
  }

  function receive(from: number, message: Message): void {
    const { height } = state.rules
    switch (message.type) {
      case 'proposal': {
        const timely = world.healed() || !chance(0.05)
        const { proposal } = message
        if (proposal.height === height) feed({ type: 'proposal', proposal, timely })
        return
      }
      case 'votes': {
        const ours = message.votes.filter((vote) => vote.height === height)
        feed(...ours.map((vote) => ({ type: 'vote', vote }) as const))
        return
      }
      case 'value':
        if (message.height !== height) return
        values.add(message.value)
        feed()
        return
      case 'status':
        answer(from, message.status)
        return
      case 'committed':
        if (message.height === height && holds(height, message.proof)) conclude(message.proof)
        return
      default:
        message satisfies never
    }
  }

  function answer(to: number, status: Status): void {
    const { height } = status
    const reply = (message: Message) => world.send(place, to, message)
    if (height < state.rules.height && status.ask)
      reply({ type: 'committed', height, proof: decided.get(height)! })
    if (height !== state.rules.height) return
    const { proposal, votes } = replyTo(state, status)
    if (votes.length > 0) reply({ type: 'votes', votes })
    if (proposal !== null) reply({ type: 'proposal', proposal })
    const value = status.ask ? (status.want?.value ?? proposal?.envelopeHash) : undefined
    if (value !== undefined && values.has(value)) reply({ type: 'value', height, value })
  }

  function tellStatus(): void {
    const lacking = wantedValues(state).find((value) => !values.has(value))
    const parts = new Uint8Array()
    const want = lacking === undefined ? null : { value: lacking, parts, sidecars: null }
    const others = places.filter((to) => to !== place)
    turn = (turn + askedPeers) % others.length
    for (const [i, to] of others.entries()) {
      const asked = (i - turn + others.length) % others.length < askedPeers
      world.send(place, to, { type: 'status', status: statusOf(state, want, asked) })
    }
  }

  function conclude(proof: Proof): void {
    const { height } = state.rules
    decided.set(height, proof)
    witness.onDecision(node, height, proof)
    log = []
    synced = 0
    values.clear()
    enter(height + 1n)
  }

  function enter(height: bigint): void {
    life++
    judging.clear()
    const last = liar ? null : signed
    const replay = replayHeight(rulesOf(height), log, (value) => values.has(value), last)
    if (replay.fault !== null) witness.onAbstention()
    state = replay.state
    const inputs: Input[] = []
    if (last?.type === 'proposal' && last.proposal.height === height)
      inputs.push({ type: 'proposal', proposal: last.proposal, timely: true })
    for (const effect of replay.pending) inputs.push(...perform(effect))
    feed(...inputs)
  }

  const node: SimNode = {
    place,
    decided,
    round: () => state.round,
    isUp: () => up,
    start: () => {
      up = true
      enter(state.rules.height)
    },
    receive,
    tellStatus,
    crash: () => {
      const unsynced = log.length - synced
      log = log.slice(0, synced + below(unsynced + 1))
      up = false
      life++
      judging.clear()
    },
  }
  return node
}

/** The commit that a decided machine has counted. */
function proofOf({ decided, votes }: State): Proof {
  const { value, round } = decided!
  const tally = tallyOf(votes, round, VoteKind.Precommit)
  return { value, round, signers: votesFor(tally, value).map(({ index }) => index) }
}

function ballotOf({ index, height, round, kind, hash }: Vote): string {
  return `${index} ${height} ${round} ${kind} ${hash}`
}

function namedBy(signed: Signed): Hash | null {
  return signed.type === 'vote' ? signed.vote.hash : signed.proposal.envelopeHash
}

const validatorsHash = nameOf('set')
const signature = new Uint8Array()

function voteOf(
  kind: VoteKind,
  height: bigint,
  round: number,
  hash: Hash | null,
  index: number,
): Vote {
  return { kind, height, round, hash, validatorsHash, index, signature }
}

function proposalOf(
  height: bigint,
  round: number,
  validRound: number,
  value: Hash,
  proposer: number,
): Proposal {
  const rest = { size: 1, partsRoot: value, time: 1n, validatorsHash, signature }
  return { height, round, validRound, envelopeHash: value, proposer, ...rest }
}
