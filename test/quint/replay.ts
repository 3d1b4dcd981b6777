/**
 * Replays traces of the model against the real machine: after each step the node that was given an input
 * must be where the model says it is, and have asked for the same.
 */
import assert from 'node:assert/strict'
import { startHeight, step } from '../../consensus/machine.ts'
import type { Claim, Effect, Input, State, Step } from '../../consensus/machineState.ts'
import type { VoteKind } from '../../consensus/messages.ts'
import type { Hash } from '../../primitives/hash.ts'
import { fakeVote, nameOf } from '../consensus/fixtures.ts'

/** What a trace came by: a replay of nothing proves nothing. */
export type Seen = {
  readonly steps: number
  readonly locks: number
  readonly decisions: number
  readonly later: number
}

type ModelClaim = { readonly value: number; readonly round: number }
type ModelEffect = {
  readonly what: string
  readonly round: number
  readonly value: number
  readonly validRound: number
}
type ModelNode = {
  readonly round: number
  readonly step: string
  readonly locked: ModelClaim
  readonly valid: ModelClaim
  readonly decided: number
  readonly out: readonly ModelEffect[]
}
type ModelInput = {
  readonly what: string
  readonly kind: string
  readonly round: number
  readonly value: number
  readonly from: number
  readonly validRound: number
  readonly timely: boolean
}
type ModelState = {
  readonly nodes: ReadonlyMap<number, ModelNode>
  readonly last: { readonly node: number; readonly input: ModelInput }
}

export type Model = { readonly powers: readonly bigint[]; readonly good: readonly number[] }

const hashes = new Map<number, Hash>(
  Array.from({ length: 8 }, (_, i) => [i, nameOf(`value ${i}`)] as const),
)
const hashOf = (value: number): Hash | null => hashes.get(value) ?? null

/** @throws {AssertionError} where machine and model differ; the message names the step. */
export function replay(trace: unknown, model: Model): Seen {
  const { states } = trace as { readonly states: readonly unknown[] }
  const [first, ...rest] = states.map((state) => plain(state) as ModelState)
  const machines = startAll(first!, model)
  const seen = { steps: 0, locks: 0, decisions: 0, later: 0 }
  for (const [at, { nodes, last }] of rest.entries()) {
    const before = machines.get(last.node)!
    const { state, effects } = step(before, inputOf(last.input, model))
    machines.set(last.node, state)
    compare(`step ${at + 1}, ${JSON.stringify(last)}`, state, effects, nodes.get(last.node)!)
    seen.steps++
    seen.locks += Number(state.locked !== before.locked)
    seen.decisions += Number(state.decided !== before.decided)
    seen.later += Number(state.round > before.round)
  }
  return seen
}

function startAll({ nodes }: ModelState, { powers }: Model): Map<number, State> {
  const total = powers.reduce((a, b) => a + b, 0n)
  const proposer = (round: number) => round % powers.length
  return new Map(
    [...nodes].map(([self, node]) => {
      const { state, effects } = startHeight({ height: 1n, powers, total, self, proposer })
      compare(`start of ${self}`, state, effects, node)
      return [self, state] as const
    }),
  )
}

function compare(where: string, state: State, effects: readonly Effect[], node: ModelNode): void {
  const got = {
    round: state.round,
    step: state.step as string,
    locked: state.locked,
    valid: state.valid,
    decided: state.decided?.value ?? null,
    out: effects.flatMap(shownEffect),
  }
  const { round, step: at, locked, valid, decided, out } = node
  assert.deepEqual(
    got,
    {
      round,
      step: at,
      locked: claimOf(locked),
      valid: claimOf(valid),
      decided: hashOf(decided),
      out: out.map(({ value, ...effect }) => ({ ...effect, value: hashOf(value) })),
    },
    where,
  )
}

function claimOf({ value, round }: ModelClaim): Claim | null {
  const hash = hashOf(value)
  return hash === null ? null : { value: hash, round }
}

/** Effects as the model names them; it has none for evidence and the start of a round. */
function shownEffect(effect: Effect) {
  switch (effect.type) {
    case 'startRound':
    case 'evidence':
      return []
    case 'propose': {
      const { round, value } = effect
      return [
        { what: 'propose', round, validRound: value?.round ?? -1, value: value?.value ?? null },
      ]
    }
    case 'vote':
      return [{ what: effect.kind, round: effect.round, validRound: -1, value: effect.hash }]
    case 'scheduleTimeout':
      return [{ what: timeoutNames[effect.step], round: effect.round, validRound: -1, value: null }]
    case 'commit':
      return [{ what: 'commit', round: 0, validRound: -1, value: effect.value }]
    default:
      return effect satisfies never
  }
}

const timeoutNames: Readonly<Record<Step, string>> = {
  propose: 'timeoutPropose',
  prevote: 'timeoutPrevote',
  precommit: 'timeoutPrecommit',
}

function inputOf(input: ModelInput, { good, powers }: Model): Input {
  const { what, kind, round, value, from, validRound, timely } = input
  const hash = hashOf(value)
  switch (what) {
    case 'vote':
      return { type: 'vote', vote: fakeVote(kind as VoteKind, from, round, hash) }
    case 'timeout':
      return { type: 'timeout', step: kind as Step, round }
    case 'proposal': {
      const proposer = round % powers.length
      const signature = new Uint8Array()
      const rest = { size: 1, partsRoot: hash!, time: 1n, validatorsHash: nameOf('set'), signature }
      const proposal = { height: 1n, round, validRound, envelopeHash: hash!, proposer, ...rest }
      return { type: 'proposal', proposal, timely }
    }
    case 'complete':
      return { type: 'complete', value: hash! }
    case 'judged':
      return { type: 'judged', value: hash!, time: good.includes(value) ? 1n : null }
    default:
      throw new Error(`the model gave ${what}`)
  }
}

/** ITF as plain values. @see https://apalache-mc.org/docs/adr/015adr-trace.html */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const special = value as {
    readonly '#bigint'?: string
    readonly '#map'?: readonly (readonly [unknown, unknown])[]
    readonly '#set'?: readonly unknown[]
    readonly '#tup'?: readonly unknown[]
  }
  if (special['#bigint'] !== undefined) return Number(special['#bigint'])
  if (special['#map'] !== undefined)
    return new Map(special['#map'].map(([key, item]) => [plain(key), plain(item)]))
  const list = special['#set'] ?? special['#tup']
  if (list !== undefined) return list.map(plain)
  // Variables carry the names of their modules.
  const entries = Object.entries(value).map(([key, item]) => [key.split('::').at(-1)!, plain(item)])
  return Object.fromEntries(entries)
}
