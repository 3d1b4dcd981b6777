/**
 * Messages that have arrived and wait for their turn: first in, first out, bounded for each peer, so
 * that one peer can neither fill the memory nor crowd out the others.
 */
import type { PeerId } from './driverModules.ts'

export type Mail = { readonly peer: PeerId; readonly bytes: Uint8Array }

export type Inbox = {
  /** Queue a message; false if it was dropped because too much of the peer's is waiting. */
  readonly push: (mail: Mail) => boolean
  /** Up to `max` messages in the order of arrival. */
  readonly take: (max: number) => readonly Mail[]
  readonly isEmpty: () => boolean
}

/** A single message always fits into an empty box; these bound what waits beside it. */
const maxWaitingBytes = 16_777_216
const maxWaitingMessages = 2_048

export function createInbox(): Inbox {
  let queue: Mail[] = []
  const waiting = new Map<PeerId, { count: number; bytes: number }>()

  return {
    push: (mail) => {
      const load = waiting.get(mail.peer) ?? { count: 0, bytes: 0 }
      const bytes = load.bytes + mail.bytes.length
      const full = bytes > maxWaitingBytes || load.count >= maxWaitingMessages
      if (full && load.count > 0) return false
      waiting.set(mail.peer, { count: load.count + 1, bytes })
      queue.push(mail)
      return true
    },
    take: (max) => {
      const taken = queue.slice(0, max)
      queue = queue.slice(max)
      for (const { peer, bytes } of taken) {
        const load = waiting.get(peer)!
        if (load.count === 1) waiting.delete(peer)
        else waiting.set(peer, { count: load.count - 1, bytes: load.bytes - bytes.length })
      }
      return taken
    },
    isEmpty: () => queue.length === 0,
  }
}
