import assert from 'node:assert/strict'
import type { Logger } from '@libp2p/interface'
import { StreamState, YamuxStream } from '@libp2p/yamux/stream'
import { describe, it } from 'vitest'
import { grantSparingly } from '../../network/streams.ts'

const windowBytes = 262_144

/** A stream that has received nothing, and the window updates that it sends. */
function openStream() {
  const granted: number[] = []
  const log = Object.assign(() => {}, { error: () => {}, trace: () => {} }) as unknown as Logger
  const stream = new YamuxStream({
    id: '1',
    streamId: 1,
    direction: 'inbound',
    state: StreamState.Established,
    getRTT: () => -1,
    sendFrame: ({ length }) => granted.push(length) > 0,
    log,
  })
  grantSparingly(stream)
  const receive = (length: number) => {
    const header = { type: 0, flag: 0, streamID: 1, length }
    stream.handleData({ header, data: new Uint8Array(length) } as never)
  }
  return { stream, granted, receive }
}

describe('window updates', () => {
  it('come when half of the window is used, and then give all of it back', () => {
    const { granted, receive } = openStream()
    for (let i = 0; i < 127; i++) receive(1_024)
    assert.deepEqual(granted, [])
    receive(1_024)
    assert.deepEqual(granted, [windowBytes / 2])
  })

  it('come at once for a message that leaves less than half', () => {
    const { granted, receive } = openStream()
    receive(windowBytes)
    assert.deepEqual(granted, [windowBytes])
  })

  it('are held back while the reader is busy', () => {
    const { stream, granted, receive } = openStream()
    stream.pause()
    receive(windowBytes)
    assert.deepEqual(granted, [])
    stream.resume()
    assert.deepEqual(granted, [windowBytes])
  })
})
