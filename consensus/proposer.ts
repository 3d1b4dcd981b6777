/**
 * Who proposes: pure functions of the frozen set, height and round; no carried priorities.
 *
 * Round 0 follows slot weights (who trained), later rounds voting power alone: were later rounds drawn
 * from workers too, the first worker would be every round's proposer and its crash would stop the chain.
 * From {@link lateRound} on everybody has turns: who alone is locked on a value may be the one that
 * failed in round 0, or a jailed one, and the others cannot decide without it.
 */
import { seq } from '../registry/slots.ts'
import type { ValidatorSet } from '../registry/validatorSet.ts'

/** From this round on nobody is left out. */
const lateRound = 8

/** Both sequences of a set; computed once per set with {@link scheduleOf}. */
type Schedule = { readonly slots: readonly number[]; readonly turns: readonly number[] }

/** Sequences of a frozen set: `epochLength` slots by slot weight, `4n` turns by voting power. */
function makeSchedule(set: ValidatorSet, epochLength: number): Schedule {
  const slots = seq(
    set.validators.map(({ slotWeight }) => slotWeight),
    epochLength,
  )
  const turns = seq(
    set.validators.map(({ power }) => power),
    4 * set.validators.length,
  )
  return { slots, turns }
}

const schedules = new WeakMap<ValidatorSet, Map<number, Schedule>>()

/** {@link makeSchedule}, remembered for as long as somebody holds the set. */
function scheduleOf(set: ValidatorSet, epochLength: number): Schedule {
  const known = schedules.get(set) ?? new Map<number, Schedule>()
  const schedule = known.get(epochLength) ?? makeSchedule(set, epochLength)
  schedules.set(set, known.set(epochLength, schedule))
  return schedule
}

/**
 * Index of the proposer of `round` at `height`.
 *
 * Entries of the jailed fall to the next entry, in rounds 1 to 7 also those of the proposer of
 * round 0. Slots that are all the jailed's fall to the turns; where nobody else is left, the plain
 * entry stands. Late rounds alternate between plain turns and the places of the set, so that members
 * too small for a turn have theirs, too.
 */
export function proposer(
  set: ValidatorSet,
  height: bigint,
  round: number,
  epochLength: number,
): number {
  const { slots, turns } = scheduleOf(set, epochLength)
  if (round >= lateRound) {
    const place = height + BigInt(Math.floor((round - lateRound) / 2))
    return round % 2 === 0
      ? plainEntry(turns, place)
      : Number(place % BigInt(set.validators.length))
  }
  const free = (index: number) => !set.validators[index]!.jailed
  const first =
    entryAt(slots, height, free) ?? entryAt(turns, height, free) ?? plainEntry(slots, height)
  if (round === 0) return first
  const other = (index: number) => free(index) && index !== first
  return entryAt(turns, height + BigInt(round), other) ?? first
}

/** The entry at `place` (cyclic), or the next one that `admits`; null if none does. */
function entryAt(
  entries: readonly number[],
  place: bigint,
  admits: (index: number) => boolean,
): number | null {
  const start = Number(place % BigInt(entries.length))
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[(start + i) % entries.length]!
    if (admits(entry)) return entry
  }
  return null
}

function plainEntry(entries: readonly number[], place: bigint): number {
  return entries[Number(place % BigInt(entries.length))]!
}
