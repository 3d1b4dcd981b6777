/**
 * A relay between two ports of this machine that delays, stalls, breaks, cuts and counts: a slow or bad
 * link for development networks.
 *
 * It carries TCP, so a lost packet looks as it does to a program: what was lost, and all behind it,
 * comes late by a retransmission, and of ever more losses the connection dies.
 */
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as after } from 'node:timers'
import { utf8ToBytes } from '../primitives/bytes.ts'
import { hashOf } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'

export type LinkOptions = {
  /** Each way. */
  readonly delayMs: number
  /** The delay of each chunk is drawn from `delayMs ± jitterMs`; order stays. */
  readonly jitterMs: number
  /** One chunk of so many is lost: it and what follows it wait for {@link stallMs}. @default none */
  readonly stallOneIn?: number | undefined
  /** How long TCP takes to send again. @default 200, the least of Linux */
  readonly stallMs?: number | undefined
  /** One chunk of so many breaks its connection. @default none */
  readonly breakOneIn?: number | undefined
  /** What befalls the n-th chunk of the n-th connection is drawn from it. @default 0 */
  readonly seed?: number | undefined
}

export type Relay = {
  readonly port: number
  /** Bytes passed on so far, both ways. */
  readonly bytes: () => number
  /** Be another link from now on, for connections that there are, too. */
  readonly become: (link: LinkOptions) => void
  /** Break every connection, and take none until {@link Relay.heal}. */
  readonly cut: () => void
  readonly heal: () => void
  readonly close: () => Promise<void>
}

/** A relay on a free port to `target`. */
export async function openRelay(target: number, initially: LinkOptions): Promise<Relay> {
  let link = initially
  const sockets = new Set<Socket>()
  let bytes = 0
  let connections = 0
  let whole = true
  // Nagle's algorithm would hold small messages back until the one before is acknowledged.
  const server = createServer({ noDelay: true }, (near) => {
    if (!whole) return void near.destroy()
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true })
    const name = `${link.seed ?? 0}/${connections++}`
    pass(near, far, fatesOf(`${name}/in`))
    pass(far, near, fatesOf(`${name}/out`))
  })

  function pass(from: Socket, to: Socket, fates: SeededRandom): void {
    const happens = (oneIn: number) => oneIn > 0 && fates.below(oneIn) === 0
    let due = 0
    // Timers that are due in the same millisecond fire in any order; the bytes leave in the order they came.
    const held: Uint8Array[] = []
    sockets.add(from)
    from.on('data', (chunk: Uint8Array) => {
      const { delayMs, jitterMs, stallOneIn = 0, stallMs = 200, breakOneIn = 0 } = link
      bytes += chunk.length
      if (happens(breakOneIn)) {
        from.destroy()
        to.destroy()
        return
      }
      const stall = happens(stallOneIn) ? stallMs : 0
      const delay = delayMs - jitterMs + fates.below(2 * jitterMs + 1) + stall
      due = Math.max(due, performance.now() + delay)
      if (held.length === 0 && delayMs + jitterMs + stallOneIn === 0) to.write(chunk)
      else {
        held.push(chunk)
        after(
          () => {
            const next = held.shift()
            if (next !== undefined) to.write(next)
          },
          Math.max(0, due - performance.now()),
        )
      }
    })
    from.on('error', () => from.destroy())
    from.on('close', () => {
      sockets.delete(from)
      const last = Math.max(link.delayMs + link.jitterMs, due - performance.now())
      after(() => {
        for (const chunk of held.splice(0)) to.write(chunk)
        to.end()
      }, last)
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
    become: (next) => {
      link = next
    },
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

function fatesOf(name: string): SeededRandom {
  return new SeededRandom('relay', hashOf('waggle/relay/v1', utf8ToBytes(name)))
}
