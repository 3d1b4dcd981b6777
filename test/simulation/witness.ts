/**
 * What must never happen in a run of whole nodes: noticed at the event that does it.
 */
import type { DriverEvent } from '../../consensus/driverModules.ts'
import type { Evidence } from '../../consensus/offences.ts'
import { decodeWire } from '../../consensus/wire.ts'
import type { Hash } from '../../primitives/hash.ts'
import type { Plan } from './plan.ts'

export type Witness = {
  /** Fails the run if something has happened; its message has the command that replays it. */
  readonly check: () => void
  readonly blame: (why: string) => void
  /** Consensus bytes that an honest node says. */
  readonly heard: (from: number, bytes: Uint8Array) => void
  readonly committed: (place: number, height: bigint, envelopeHash: Hash) => void
  readonly found: (evidence: Evidence) => void
  readonly event: (place: number, event: DriverEvent) => void
  readonly failed: (place: number, error: unknown) => void
  readonly tally: () => Tally
}

export type Tally = {
  readonly highestRound: number
  readonly convicted: boolean
  /** Values that honest nodes have refused. */
  readonly refused: number
}

/**
 * @param isLiar - whether a member of the set that decides the run's heights is dishonest.
 * @param isBad - whether a value breaks a rule.
 */
export function createWitness(
  plan: Plan,
  isLiar: (index: number) => boolean,
  isBad: (value: Hash) => boolean,
): Witness {
  const agreed = new Map<bigint, Hash>()
  const cast = new Map<string, Hash | null>()
  let broken: string | null = null
  let highestRound = 0
  let convicted = false
  let refused = 0

  function blame(why: string): void {
    const who = plan.liar === null ? 'all honest' : plan.strategy
    broken ??= `seed ${plan.seed} (${who}): ${why}; replay with WAGGLE_SEED=${plan.seed} npx vitest run test/simulation`
  }

  /** Statuses are answered with others' votes, too, so the liar's may come from anybody. */
  function heard(from: number, bytes: Uint8Array): void {
    const decoded = decodeWire(bytes)
    if (!decoded.ok || decoded.value.type !== 'votes') return
    for (const { index, height, round, kind, hash } of decoded.value.votes) {
      if (isLiar(index)) continue
      const at = `${index} ${height} ${round} ${kind}`
      if (cast.has(at) && cast.get(at) !== hash) blame(`${at}: two votes, said by ${from}`)
      cast.set(at, hash)
    }
  }

  function event(place: number, happened: DriverEvent): void {
    if (happened.type === 'round') highestRound = Math.max(highestRound, happened.round)
    if (place === plan.liar) return
    if (happened.type === 'refused') refused++
    if (happened.type === 'halt' || happened.type === 'fork' || happened.type === 'abstain')
      blame(`${happened.type} of ${place} at height ${happened.height}`)
  }

  return {
    check: () => {
      if (broken !== null) throw new Error(broken)
    },
    blame,
    heard,
    committed: (place, height, hash) => {
      if (place === plan.liar) return
      if ((agreed.get(height) ?? hash) !== hash) blame(`two values at height ${height}`)
      if (isBad(hash)) blame(`a value that breaks a rule at height ${height}`)
      agreed.set(height, hash)
    },
    found: ({ pair }) => {
      const index = 'index' in pair.first ? pair.first.index : -1
      if (!isLiar(index)) blame(`${index} is honest and convicted`)
      convicted = true
    },
    event,
    failed: (place, error) => {
      if (place !== plan.liar) blame(`${place}: ${error}`)
    },
    tally: () => ({ highestRound, convicted, refused }),
  }
}
