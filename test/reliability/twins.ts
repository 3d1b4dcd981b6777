/**
 * Twins: byzantine nodes as two honest copies with one key, and every way to split the network round by
 * round. Real machines, no liar code: all that goes wrong comes from who hears whom.
 *
 * @see Bano, Sonnino, Chursin, Perelman, Li, Ching, Malkhi, "Twins: BFT Systems Made Robust",
 * arXiv:2004.10617
 */
import { type Effect, type Input, type State, Step } from '../../consensus/machineState.ts'
import { type Vote, VoteKind } from '../../consensus/messages.ts'
import { fakeVote, nameOf } from '../consensus/fixtures.ts'
import type { Machine } from './scenario.ts'

/** One round: who proposes, which side each instance is on, and whether precommits get through. */
export type TwinRound = {
  readonly leader: number
  readonly sides: readonly number[]
  readonly cut: boolean
}

export type TwinPlan = {
  readonly nodes: number
  /** Places of nodes that run twice; the copies are the last instances. */
  readonly twins: readonly number[]
  readonly rounds: readonly TwinRound[]
}

type Instance = {
  readonly place: number
  readonly node: number
  state: State
  timeouts: Extract<Input, { type: 'timeout' }>[]
}

type Message = { readonly from: number; readonly round: number; readonly inputs: readonly Input[] }

/** Rounds after the healing within which everybody must have decided. */
const patience = 9

/** What goes wrong, or null. */
export function runTwins(machine: Machine, plan: TwinPlan): string | null {
  const { nodes, twins, rounds } = plan
  const keys = [...Array.from({ length: nodes }, (_, node) => node), ...twins]
  const sent: Message[] = []
  let delivered = 0
  /** None once the network has healed. */
  let splits = rounds
  let framed: number | null = null
  const rules = {
    height: 1n,
    powers: Array.from({ length: nodes }, () => 1n),
    total: BigInt(nodes),
    proposer: (round: number) => rounds[round]?.leader ?? round % nodes,
  }
  const instances = keys.map((node, place): Instance => {
    const { state, effects } = machine.startHeight({ ...rules, self: node })
    const instance: Instance = { place, node, state, timeouts: [] }
    for (const effect of effects) perform(instance, effect)
    return instance
  })
  const honest = instances.filter(({ node }) => !twins.includes(node))

  function perform({ place, node, timeouts }: Instance, effect: Effect): void {
    const say = (round: number, ...inputs: readonly Input[]) =>
      sent.push({ from: place, round, inputs })
    if (effect.type === 'vote') {
      const { kind, round, hash } = effect
      say(round, { type: 'vote', vote: fakeVote(kind, node, round, hash) })
    }
    if (effect.type === 'propose') say(effect.round, ...proposalOf(place, node, effect))
    if (effect.type === 'scheduleTimeout')
      timeouts.push({ type: 'timeout', step: effect.step, round: effect.round })
    if (effect.type === 'evidence' && !twins.includes(effect.first.index))
      framed = effect.first.index
  }

  function feed(instance: Instance, inputs: readonly Input[]): void {
    for (const input of inputs) {
      const { state, effects } = machine.step(instance.state, input)
      instance.state = state
      for (const effect of effects) perform(instance, effect)
    }
  }

  function hears({ from, round, inputs }: Message, to: number): boolean {
    const split = splits[round]
    if (from === to || split === undefined) return true
    const [input] = inputs
    const isCut = split.cut && input?.type === 'vote' && input.vote.kind === VoteKind.Precommit
    return split.sides[from] === split.sides[to] && !isCut
  }

  function deliver(): void {
    for (; delivered < sent.length; delivered++)
      for (const instance of instances)
        if (hears(sent[delivered]!, instance.place)) feed(instance, sent[delivered]!.inputs)
  }

  /** Fire the timeouts of `step` that are due; `forced` ones need no reason. */
  function expire(step: Step, round: number, forced: boolean): void {
    for (const instance of instances) {
      const due = instance.timeouts.some((one) => one.step === step && one.round === round)
      if (due || forced) feed(instance, [{ type: 'timeout', step, round }])
    }
    deliver()
  }

  /** What honest nodes repeat to one that waits for a proof of lock. */
  function repeatProofs(): void {
    const before = [...sent]
    for (const instance of instances) {
      const wanted = proofRound(instance.state)
      const proof = before.filter(({ round }) => round === wanted)
      for (const { inputs } of proof) feed(instance, inputs)
    }
    deliver()
  }

  function passRound(round: number, forced: boolean): void {
    deliver()
    repeatProofs()
    for (const step of [Step.Propose, Step.Prevote, Step.Precommit]) expire(step, round, false)
    if (forced)
      for (const step of [Step.Propose, Step.Prevote, Step.Precommit]) expire(step, round, true)
  }

  for (const round of rounds.keys()) passRound(round, true)
  splits = []
  delivered = 0
  const last = rounds.length + patience
  for (let round = rounds.length; round < last && honest.some(isUndecided); round++)
    passRound(round, false)
  if (framed !== null) return `framed: ${framed} has not voted twice`
  if (decidable(sent, nodes).size > 1) return 'agreement: two values can be decided'
  const decided = new Set(honest.map(({ state }) => state.decided?.value))
  if (decided.has(undefined)) return 'stalled'
  return decided.size > 1 ? 'agreement: two values were decided' : null
}

/** The round whose prevotes would let this node vote; null if it waits for none. */
function proofRound({ step, round, candidates }: State): number | null {
  const proposal = candidates.get(round)?.proposal
  return step === Step.Propose && proposal !== undefined ? proposal.validRound : null
}

function isUndecided({ state }: Instance): boolean {
  return state.decided === null
}

function proposalOf(
  place: number,
  proposer: number,
  { round, value }: Extract<Effect, { type: 'propose' }>,
): readonly Input[] {
  const hash = value?.value ?? nameOf(`value ${place} ${round}`)
  const rest = { size: 1, partsRoot: hash, time: 1n, validatorsHash: nameOf('set'), proposer }
  const signature = new Uint8Array()
  const validRound = value?.round ?? -1
  const proposal = { height: 1n, round, validRound, envelopeHash: hash, signature, ...rest }
  return [
    { type: 'proposal', proposal, timely: true },
    { type: 'complete', value: hash },
    { type: 'judged', value: hash, time: 1n },
  ]
}

/** Values that two thirds of the nodes precommitted in one round. */
function decidable(sent: readonly Message[], nodes: number): ReadonlySet<string> {
  const voters = new Map<string, Set<number>>()
  const precommits = sent
    .flatMap(({ inputs }) => inputs.flatMap((input) => (input.type === 'vote' ? [input.vote] : [])))
    .filter(({ kind, hash }: Vote) => kind === VoteKind.Precommit && hash !== null)
  for (const { round, hash, index } of precommits) {
    const key = `${round} ${hash}`
    voters.set(key, (voters.get(key) ?? new Set()).add(index))
  }
  const quorums = [...voters].filter(([, members]) => 3 * members.size > 2 * nodes)
  return new Set(quorums.map(([key]) => key.split(' ')[1]!))
}
