/**
 * Certificates that were sent and are not settled yet: announced again when they have waited too long,
 * for a peer may have lost them, and forgotten when they are refused.
 */
import type { Hash } from '../primitives/hash.ts'
import type { Fault, Result } from '../primitives/result.ts'
import { type Logger, logFields } from './logger.ts'

export type SendAgain = () => Promise<Result<Hash, Fault>>

export type SentCertificates = {
  readonly has: (lease: string) => boolean
  /** The certificate of `lease` was sent at `head`. */
  readonly add: (lease: string, head: bigint, again: SendAgain) => void
  /** Forget leases that are not `current`; repeat what has waited too long at `head`. */
  readonly follow: (current: ReadonlySet<string>, head: bigint) => void
}

/** Blocks that a certificate may wait for its inclusion before it is announced again. */
const patience = 8n

export function createSentCertificates(log: Logger): SentCertificates {
  /** With the head that each was sent at. */
  const sent = new Map<string, { readonly since: bigint; readonly again: SendAgain }>()

  function repeat(lease: string, head: bigint, again: SendAgain): void {
    sent.set(lease, { since: head, again })
    again()
      .then((result) => {
        if (result.ok) return
        sent.delete(lease)
        log.warn({ lease, fault: logFields(result.fault) }, 'certificate lost')
      })
      .catch((error) => log.error({ err: error }, 'certificate not repeated'))
  }

  return {
    has: (lease) => sent.has(lease),
    add: (lease, head, again) => void sent.set(lease, { since: head, again }),
    follow: (current, head) => {
      for (const [lease, { since, again }] of sent)
        if (!current.has(lease)) sent.delete(lease)
        else if (head > since + patience) repeat(lease, head, again)
    },
  }
}
