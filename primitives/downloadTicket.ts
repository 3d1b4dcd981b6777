/**
 * A download ticket: an account's signed request for one blob, good until a time. Nodes ask for one
 * where a model's owner asks a price.
 */
import { type Address, parseAddress } from './address.ts'
import type { Hash } from './hash.ts'
import { ok, type Result, refuse } from './result.ts'

export type DownloadTicket = {
  readonly account: Address
  /** Unix seconds: the last moment at which it holds. */
  readonly until: number
  /** EIP-191 signature of {@link ticketText}. */
  readonly signature: `0x${string}`
}

export type TicketFault = { readonly code: 'ticket/malformed' }

/** The HTTP header that carries it. */
export const ticketHeader = 'x-waggle-ticket'

/** Longest that a ticket may be good for, seconds. */
export const maxTicketSeconds = 3_600

/** What a wallet shows and signs (`personal_sign`). */
export function ticketText(chainId: number, blob: Hash, until: number): string {
  return `Waggle: let me download model weights\nchain ${chainId}\nblob ${blob}\nuntil ${until}`
}

/** `ACCOUNT:UNTIL:SIGNATURE`. */
export function encodeTicket({ account, until, signature }: DownloadTicket): string {
  return `${account}:${until}:${signature}`
}

export function decodeTicket(text: string): Result<DownloadTicket, TicketFault> {
  const fields = /^(0x[0-9a-fA-F]{40}):([1-9][0-9]{0,11}):(0x[0-9a-f]{130})$/.exec(text)
  const account = parseAddress(fields?.[1] ?? '')
  if (fields === null || !account.ok) return refuse({ code: 'ticket/malformed' })
  const signature = fields[3] as `0x${string}`
  return ok({ account: account.value, until: Number(fields[2]), signature })
}
