/**
 * A crash is a replay of inputs: the state that the log leads to, what was under way when it ended, and
 * whether it explains everything that this validator has signed. Pure.
 */
import type { Hash } from '../primitives/hash.ts'
import { startHeight, step } from './machine.ts'
import { type Effect, type HeightRules, type Input, type State, Step } from './machineState.ts'
import { compare, type Position, positionOf, type Signed } from './signer.ts'
import { tallyOf } from './votes.ts'

type ReplayFault =
  /** Signed something at this height that the log does not lead to: a lock may be lost. */
  | { readonly code: 'replay/unexplained'; readonly signed: Position }
  /** The log counts on a value whose bytes are gone. */
  | { readonly code: 'replay/value'; readonly value: Hash }

export type Replay = {
  readonly state: State
  /** To be carried out now, in order. */
  readonly pending: readonly Effect[]
  /** If not null, `state` is a fresh one that neither votes nor proposes. */
  readonly fault: ReplayFault | null
}

/**
 * @param hasValue - whether the log holds the bytes of a value.
 * @param last - what the signer signed last, at whatever height.
 */
export function replayHeight(
  rules: HeightRules,
  inputs: readonly Input[],
  hasValue: (value: Hash) => boolean,
  last: Signed | null,
): Replay {
  let { state, effects } = startHeight(rules)
  const all = [...effects]
  for (const input of inputs) {
    if (input.type === 'complete' && !hasValue(input.value))
      return abstain(rules, { code: 'replay/value', value: input.value })
    ;({ state, effects } = step(state, input))
    all.push(...effects)
  }
  if (last !== null && !explains(state, all, last))
    return abstain(rules, { code: 'replay/unexplained', signed: positionOf(last) })
  const pending = all.filter((effect) => isPending(state, effect) && !isPast(state, effect, last))
  return { state, pending, fault: null }
}

/** Follow the height without a say in it. */
function abstain(rules: HeightRules, fault: ReplayFault): Replay {
  const { state, effects } = startHeight({ ...rules, self: null })
  return { state, pending: effects, fault }
}

/** Whether the machine has come to where `last` was signed, and would sign the same. */
function explains(state: State, effects: readonly Effect[], last: Signed): boolean {
  const { height, round } = positionOf(last)
  if (height !== state.rules.height) return height < state.rules.height
  if (last.type === 'proposal') return round <= state.round
  const { kind, hash } = last.vote
  return effects.some(
    (effect) =>
      effect.type === 'vote' &&
      effect.kind === kind &&
      effect.round === round &&
      effect.hash === hash,
  )
}

/** Whether `effect` was not carried out yet, or has to be again. */
function isPending(state: State, effect: Effect): boolean {
  const { self } = state.rules
  switch (effect.type) {
    case 'startRound':
    case 'evidence':
      return false
    case 'propose':
      return effect.round === state.round && !state.candidates.has(effect.round)
    case 'vote': {
      const { byMember } = tallyOf(state.votes, effect.round, effect.kind)
      return self !== null && effect.round === state.round && !byMember.has(self)
    }
    case 'scheduleTimeout':
      return effect.round === state.round && isAwaited(state, effect.step)
    case 'commit':
      return true
    default:
      return effect satisfies never
  }
}

/** A prevote that left together with the precommit before the crash: it cannot be signed again. */
function isPast({ rules: { height } }: State, effect: Effect, last: Signed | null): boolean {
  if (effect.type !== 'vote' || last === null) return false
  const step = effect.kind === 'prevote' ? 1 : 2
  return compare({ height, round: effect.round, step }, positionOf(last)) < 0
}

function isAwaited(state: State, awaited: Step): boolean {
  return awaited === Step.Precommit || awaited === state.step
}
