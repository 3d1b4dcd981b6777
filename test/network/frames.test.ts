import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { encodeFrame, FrameReader } from '../../network/frames.ts'
import { concatBytes, uintBytes } from '../../primitives/bytes.ts'
import { faultOf, value } from './testHost.ts'

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 })
    fc.assert(
      fc.property(messages, fc.array(fc.nat(300), { maxLength: 8 }), (frames, cuts) => {
        const stream = concatBytes(...frames.map(encodeFrame))
        const edges = [0, ...cuts.filter((cut) => cut < stream.length), stream.length].toSorted(
          (a, b) => a - b,
        )
        const reader = new FrameReader(40)
        const got = edges
          .slice(1)
          .flatMap((end, i) => value(reader.push(stream.subarray(edges[i], end))))
        assert.deepEqual(got, frames)
        assert.ok(reader.end().ok)
      }),
    )
  })

  it('are refused when empty or too long, before their bytes arrive', () => {
    assert.deepEqual(new FrameReader(10).push(uintBytes(11, 4)), {
      ok: false,
      fault: { code: 'frame/size', max: 10, got: 11 },
    })
    assert.equal(faultOf(new FrameReader(10).push(uintBytes(0, 4))), 'frame/size')
    assert.ok(new FrameReader(10).push(encodeFrame(new Uint8Array(10))).ok)
  })

  it('are torn when the stream ends within one', () => {
    const reader = new FrameReader(100)
    value(reader.push(encodeFrame(new Uint8Array(50)).subarray(0, 30)))
    assert.deepEqual(reader.end(), {
      ok: false,
      fault: { code: 'frame/torn', wanted: 50, got: 26 },
    })
  })

  it('are arrays of their own', () => {
    const stream = concatBytes(encodeFrame(Uint8Array.of(1, 2)), encodeFrame(Uint8Array.of(3)))
    const [first, second] = value(new FrameReader(10).push(stream))
    stream.fill(9)
    assert.deepEqual([first, second], [Uint8Array.of(1, 2), Uint8Array.of(3)])
    assert.equal(first!.buffer.byteLength, 2)
  })
})
