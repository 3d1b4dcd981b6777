/**
 * Frames: how messages are cut out of a stream. A frame is a 4-byte big-endian length, at least 1,
 * and that many bytes.
 */
import { concatBytes, uintBytes } from '../primitives/bytes.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { FrameFault } from './faults.ts'

/** Bytes of the length prefix. */
const frameHeaderBytes = 4

export function frameHeader(length: number): Uint8Array {
  return uintBytes(length, frameHeaderBytes)
}

export function encodeFrame(bytes: Uint8Array): Uint8Array {
  return concatBytes(frameHeader(bytes.length), bytes)
}

/** Cuts frames out of pieces of any size. Memory grows with what arrived, not with what was announced. */
export class FrameReader {
  readonly #maxBytes: number
  readonly #header = new Uint8Array(frameHeaderBytes)
  #headerFilled = 0
  #body = new Uint8Array()
  #bodyFilled = 0
  #length = 0

  /** @param maxBytes - longest frame that is taken. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes of the frame that has begun and not ended; zero between frames. */
  get pending(): number {
    return this.#headerFilled + this.#bodyFilled
  }

  /** The frames that `piece` completes, each an array of its own. After a fault, read no further. */
  push(piece: Uint8Array): Result<readonly Uint8Array[], FrameFault> {
    const frames: Uint8Array[] = []
    let at = 0
    while (at < piece.length) {
      if (this.#headerFilled < frameHeaderBytes) {
        at += this.#takeHeader(piece.subarray(at))
        if (this.#headerFilled < frameHeaderBytes) break
        this.#length = new DataView(this.#header.buffer).getUint32(0)
        if (this.#length === 0 || this.#length > this.#maxBytes)
          return refuse({ code: 'frame/size', max: this.#maxBytes, got: this.#length })
        continue
      }
      at += this.#takeBody(piece.subarray(at))
      if (this.#bodyFilled === this.#length) frames.push(this.#finish())
    }
    return ok(frames)
  }

  /** The verdict at the end of the stream: refused if it ends within a frame. */
  end(): Result<'ended', FrameFault> {
    return this.pending === 0
      ? ok('ended')
      : refuse({ code: 'frame/torn', wanted: this.#length, got: this.#bodyFilled })
  }

  #takeHeader(piece: Uint8Array): number {
    const part = piece.subarray(0, frameHeaderBytes - this.#headerFilled)
    this.#header.set(part, this.#headerFilled)
    this.#headerFilled += part.length
    return part.length
  }

  #takeBody(piece: Uint8Array): number {
    const part = piece.subarray(0, this.#length - this.#bodyFilled)
    const needed = this.#bodyFilled + part.length
    if (needed > this.#body.length) {
      const grown = new Uint8Array(Math.min(this.#length, Math.max(needed, 4 * this.#body.length)))
      grown.set(this.#body.subarray(0, this.#bodyFilled))
      this.#body = grown
    }
    this.#body.set(part, this.#bodyFilled)
    this.#bodyFilled = needed
    return part.length
  }

  #finish(): Uint8Array {
    const frame = this.#body
    this.#headerFilled = 0
    this.#bodyFilled = 0
    this.#body = new Uint8Array()
    return frame
  }
}
