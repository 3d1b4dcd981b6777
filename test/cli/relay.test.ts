import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type LinkOptions, openRelay } from '../../cli/relay.ts'

/** Ends with the connection; what came over the last one. */
let received: number[] = []
let server: Server
let port = 0

beforeAll(async () => {
  server = createServer((socket) => {
    received = []
    socket.on('data', (chunk: Uint8Array) => received.push(...chunk))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  assert(typeof address === 'object' && address !== null)
  port = address.port
})

afterAll(() => {
  server.close()
})

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at % 251)

/** Say `count` numbers over `link`, one by one. */
async function say(count: number, link: LinkOptions, pauseMs = 0) {
  const relay = await openRelay(port, link)
  const socket = connect(relay.port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  const closed = once(socket, 'close')
  socket.setNoDelay(true)
  for (const [at, number] of numbers(count).entries()) {
    if (socket.destroyed) break
    socket.write(Uint8Array.of(number))
    if (at % 5 === 0 || pauseMs > 0) await sleep(pauseMs)
  }
  socket.end()
  return { relay, closed }
}

describe('a relay', () => {
  for (const [what, link] of [
    ['delays', { delayMs: 20, jitterMs: 20 }],
    ['stalls', { delayMs: 0, jitterMs: 0, stallOneIn: 20, stallMs: 15 }],
  ] as const)
    it(`${what} what it carries and keeps the order, to the last byte`, async () => {
      const count = 2_000
      const { relay } = await say(count, link)
      while (received.length < count) await sleep(10)
      assert.deepEqual(received, numbers(count))
      assert.equal(relay.bytes(), count)
      await relay.close()
    })

  it('breaks a connection in the middle, what came before being whole, and takes the next', async () => {
    const link = { delayMs: 0, jitterMs: 0, breakOneIn: 10 }
    const { relay, closed } = await say(500, link, 1)
    await closed
    assert.ok(received.length < 500)
    assert.deepEqual(received, numbers(received.length))
    const again = connect(relay.port, '127.0.0.1')
    await once(again, 'connect')
    again.destroy()
    await relay.close()
  })
})
