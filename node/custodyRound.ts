/**
 * A worker's side of custody: asks all validators to vouch for the new weights until enough have.
 */
import { aggregate, verify } from '../consensus/bls.ts'
import type { Address } from '../primitives/address.ts'
import type { Clock } from '../primitives/clock.ts'
import { type Fault, invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { type Custodians, type Custody, custodyFault } from '../registry/custody.ts'
import {
  type CustodyAnswer,
  type CustodyRequest,
  custodyAskBytes,
  custodySignBytes,
  decodeCustodyAnswer,
  encodeCustodyQuestion,
} from './custodyMessage.ts'

export type CustodyRoundModules = {
  readonly self: Address
  readonly chainId: number
  readonly clock: Pick<Clock, 'after'>
  readonly sign: (message: Uint8Array) => Uint8Array
  readonly peers: () => readonly string[]
  /** One peer's answer, null if it gives none. */
  readonly ask: (peer: string, request: Uint8Array) => Promise<Uint8Array | null>
  readonly head: () => bigint
}

export type Vouched = { readonly custodians: Custodians; readonly signature: Uint8Array }

/** Gathers signatures until the chain would take them, or `signal` aborts. */
export type GatherCustody = (
  request: CustodyRequest,
  custody: Custody,
  signal: AbortSignal,
) => Promise<Result<Vouched, Fault>>

/** Who has not vouched is asked again after this long. */
const roundMs = 2_000

export function createCustodyRounds(modules: CustodyRoundModules): GatherCustody {
  const { self, chainId, clock, sign, peers, ask, head } = modules

  return async (request, custody, signal) => {
    const message = custodySignBytes(chainId, request)
    const asked = sign(custodyAskBytes(chainId, request))
    const bytes = encodeCustodyQuestion({ request, asker: self, signature: asked })
    const found = new Map<Address, Uint8Array>()
    const asking = new Map<string, Promise<void>>()
    /** Who gave a signature, and who has none for now. */
    const done = new Set<string>()
    const resting = new Set<string>()

    function take({ custodian, signature }: CustodyAnswer): boolean {
      const member = custody.members.find(({ address }) => address === custodian)
      if (member === undefined || !verify(member.publicKey, message, signature)) return false
      found.set(custodian, signature)
      return true
    }

    async function question(peer: string): Promise<void> {
      const answer = await ask(peer, bytes)
      asking.delete(peer)
      const decoded = answer === null ? null : decodeCustodyAnswer(answer)
      const gave = decoded?.ok === true && take(decoded.value)
      const side = gave ? done : resting
      side.add(peer)
    }

    take({ custodian: self, signature: sign(message) })
    while (!signal.aborted) {
      const vouched = vouchedBy(custody, found)
      const missing = custodyFault(custody, vouched, head() + 1n)
      if (missing === null && found.size > 0) return ok(summed(custody, found, vouched))
      for (const peer of peers())
        if (!asking.has(peer) && !done.has(peer) && !resting.has(peer))
          asking.set(peer, question(peer))
      const rested = pause(clock, signal).then(() => resting.clear())
      await Promise.race([...asking.values(), rested])
    }
    return refuse({ code: 'custody/missing', got: found.size })
  }
}

function vouchedBy({ members }: Custody, found: ReadonlyMap<Address, Uint8Array>): Custodians {
  return members.reduce(
    (bits, { address }, i) => (found.has(address) ? bits | (1n << BigInt(i)) : bits),
    0n,
  )
}

function summed(
  { members }: Custody,
  found: ReadonlyMap<Address, Uint8Array>,
  custodians: Custodians,
): Vouched {
  const signatures = members.flatMap(({ address }) => found.get(address) ?? [])
  const signature = aggregate(signatures)
  invariant(signature !== null, 'custodyRound: checked signatures add up')
  return { custodians, signature }
}

function pause(clock: Pick<Clock, 'after'>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(roundMs, done)
    function done(): void {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
  })
}
