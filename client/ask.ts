/**
 * A node as the client sees it, wherever it runs: calls and blobs, nothing of which is believed.
 */
import { ticketHeader } from '../primitives/downloadTicket.ts'
import type { Hash } from '../primitives/hash.ts'

/** Calls a method. @throws if the node refuses or does not answer. */
export type Ask = <T>(method: string, ...params: readonly unknown[]) => Promise<T>

export type Source = {
  readonly ask: Ask
  /** The bytes of a blob, at most `maxBytes`. @throws if the node does not have it. */
  readonly blob: (hash: Hash, maxBytes: number) => Promise<Uint8Array<ArrayBuffer>>
}

/** Longest wait for one answer. */
const patienceMs = 30_000

/** Signs for weights that are sold; null: nobody is here to sign. */
type TicketOf = (blob: Hash) => Promise<string | null>

/** The node at `url`, over HTTP. @param ticketOf - asked only for what the node does not give away. */
export function httpSource(url: string, ticketOf: TicketOf = async () => null): Source {
  let next = 1
  return {
    ask: async <T>(method: string, ...params: readonly unknown[]) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: next++, method, params }),
        signal: AbortSignal.timeout(patienceMs),
      })
      const answer = (await response.json()) as {
        readonly result?: T
        readonly error?: { readonly message: string }
      }
      if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
      return answer.result as T
    },
    blob: async (hash, maxBytes) => {
      const get = (headers: Record<string, string>) =>
        fetch(new URL(`/blob/${hash}`, url), {
          signal: AbortSignal.timeout(20 * patienceMs),
          headers,
        })
      let response = await get({})
      if (response.status === 402) {
        const ticket = await ticketOf(hash)
        if (ticket !== null) response = await get({ [ticketHeader]: ticket })
        if (response.status === 402) throw new Error(`blob ${hash} is sold: buy its model first`)
      }
      if (!response.ok || response.body === null)
        throw new Error(`the node does not hold blob ${hash}`)
      return readBounded(response.body, maxBytes)
    },
  }
}

/** @throws once more than `maxBytes` came. */
async function readBounded(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`the blob has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
