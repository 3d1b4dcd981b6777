/**
 * A relay between two ports of this machine that delays, cuts and counts: a slow or broken link for
 * development networks.
 */
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as after } from 'node:timers'

export type LinkOptions = {
  /** Each way. */
  readonly delayMs: number
  /** The delay of each chunk is drawn from `delayMs ± jitterMs`; order stays. */
  readonly jitterMs: number
}

export type Relay = {
  readonly port: number
  /** Bytes passed on so far, both ways. */
  readonly bytes: () => number
  /** Break every connection, and take none until {@link Relay.heal}. */
  readonly cut: () => void
  readonly heal: () => void
  readonly close: () => Promise<void>
}

/** A relay on a free port to `target`. */
export async function openRelay(target: number, link: LinkOptions): Promise<Relay> {
  const sockets = new Set<Socket>()
  let bytes = 0
  let whole = true
  const server = createServer((near) => {
    if (!whole) return void near.destroy()
    const far = connect(target, '127.0.0.1')
    pass(near, far)
    pass(far, near)
  })

  function pass(from: Socket, to: Socket): void {
    let due = 0
    // Timers that are due in the same millisecond fire in any order; the bytes leave in the order they came.
    const held: Uint8Array[] = []
    sockets.add(from)
    from.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length
      const delay = link.delayMs + (2 * Math.random() - 1) * link.jitterMs
      due = Math.max(due, performance.now() + delay)
      if (link.delayMs + link.jitterMs === 0) to.write(chunk)
      else {
        held.push(chunk)
        after(() => {
          const next = held.shift()
          if (next !== undefined) to.write(next)
        }, due - performance.now())
      }
    })
    from.on('error', () => from.destroy())
    from.on('close', () => {
      sockets.delete(from)
      after(() => {
        for (const chunk of held.splice(0)) to.write(chunk)
        to.end()
      }, link.delayMs + link.jitterMs)
    })
  }

  function cut(): void {
    whole = false
    for (const socket of sockets) socket.destroy()
  }

  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  return {
    port,
    bytes: () => bytes,
    cut,
    heal: () => {
      whole = true
    },
    close: () => {
      cut()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}
