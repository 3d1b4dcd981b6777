import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'vitest'
import { openRelay } from '../../cli/relay.ts'

describe('a relay', () => {
  it('delays what it carries and keeps the order, to the last byte', async () => {
    const count = 2_000
    const received: number[] = []
    const server = createServer((socket) => {
      socket.on('data', (chunk: Uint8Array) => received.push(...chunk))
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const address = server.address()
    assert(typeof address === 'object' && address !== null)
    const relay = await openRelay(address.port, { delayMs: 20, jitterMs: 20 })
    const socket = connect(relay.port, '127.0.0.1')
    socket.setNoDelay(true)
    for (let at = 0; at < count; at++) {
      socket.write(Uint8Array.of(at % 251))
      if (at % 5 === 0) await sleep(0)
    }
    socket.end()
    while (received.length < count) await sleep(10)
    assert.deepEqual(
      received,
      Array.from({ length: count }, (_, at) => at % 251),
    )
    assert.equal(relay.bytes(), count)
    await relay.close()
    server.close()
  })
})
