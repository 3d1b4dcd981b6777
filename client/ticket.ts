/**
 * Signing a ticket: what a buyer shows to download weights that are sold.
 */
import { parseAddress } from '../primitives/address.ts'
import { encodeTicket, ticketText } from '../primitives/downloadTicket.ts'
import type { Hash } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'

/** Long enough for a download to begin, on clocks that differ. */
const ticketSeconds = 600

export type TicketSigner = {
  readonly address: string
  readonly signMessage: (of: { readonly message: string }) => Promise<`0x${string}`>
}

/** The header's value. @param now - Unix seconds. */
export async function signTicket(
  signer: TicketSigner,
  chainId: number,
  blob: Hash,
  now: number,
): Promise<string> {
  const account = parseAddress(signer.address)
  invariant(account.ok, `signTicket: ${signer.address} is no address`)
  const until = now + ticketSeconds
  const signature = await signer.signMessage({ message: ticketText(chainId, blob, until) })
  return encodeTicket({ account: account.value, until, signature })
}
