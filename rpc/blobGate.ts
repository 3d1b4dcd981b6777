/**
 * Who may download a blob: anyone, unless it is the weights of a model whose owner asks a price. Then
 * the owner and who has bought a copy, shown by a signed ticket. A courtesy of honest nodes: validators
 * hold the weights and pass them among themselves. Rule E-46 of docs/spec/economy.md.
 */
import { recoverMessageAddress } from 'viem'
import type { Clock } from '../primitives/clock.ts'
import {
  type DownloadTicket,
  decodeTicket,
  maxTicketSeconds,
  ticketText,
} from '../primitives/downloadTicket.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { readJob } from '../registry/jobRecord.ts'
import { hasBought, readModelTerms } from '../registry/modelTerms.ts'
import type { World } from '../registry/records.ts'
import type { RpcFault } from './errors.ts'
import type { WorkIndex } from './workIndex.ts'

export type BlobAccess = 'open' | 'bought'

/** @param ticket - as the request's header has it; null: none. */
export type BlobGate = (blob: Hash, ticket: string | null) => Promise<Result<BlobAccess, RpcFault>>

export type BlobGateModules = {
  readonly chainId: number
  /** The state after the head. */
  readonly world: () => Promise<World>
  readonly index: Pick<WorkIndex, 'jobOfWeights'>
  readonly clock: Pick<Clock, 'now'>
}

export function createBlobGate(modules: BlobGateModules): BlobGate {
  const { chainId, index, clock } = modules

  async function ticketFault(blob: Hash, ticket: DownloadTicket): Promise<string | null> {
    const now = Math.floor(clock.now() / 1_000)
    const { account, until, signature } = ticket
    if (until < now) return `the ticket ended ${now - until} seconds ago`
    if (until > now + maxTicketSeconds) return `a ticket holds for ${maxTicketSeconds} s at most`
    const message = ticketText(chainId, blob, until)
    // Bytes that are no signature throw.
    const signer = await recoverMessageAddress({ message, signature }).catch(() => null)
    return signer?.toLowerCase() === account ? null : `${account} did not sign the ticket`
  }

  return async (blob, text) => {
    const model = await index.jobOfWeights(blob)
    if (model === null) return ok('open')
    const world = await modules.world()
    const { price } = await readModelTerms(world, model)
    if (price === 0n) return ok('open')
    const payment = (why: string) => refuse({ code: 'rpc/payment', model, price, why } as const)
    if (text === null) return payment('a ticket signed by the buyer must come with the request')
    const ticket = decodeTicket(text)
    if (!ticket.ok) return payment('the ticket is malformed')
    const fault = await ticketFault(blob, ticket.value)
    if (fault !== null) return payment(fault)
    const { account } = ticket.value
    const owner = (await readJob(world, model))?.job.owner
    if (account === owner || (await hasBought(world, model, account))) return ok('bought')
    return payment(`${account} has not bought it`)
  }
}
