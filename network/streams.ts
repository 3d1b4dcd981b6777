/**
 * Frames over libp2p streams, with back-pressure both ways: a writer waits for the reader, and a
 * reader that is busy stops the sender instead of filling memory.
 */
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { StreamState, YamuxStream } from '@libp2p/yamux/stream'
import { concatBytes } from '../primitives/bytes.ts'
import { ok, type Result } from '../primitives/result.ts'
import type { FrameFault } from './faults.ts'
import { FrameReader, frameHeader } from './frames.ts'

/** Written at once; between slices other streams of the connection get their turn. */
const sliceBytes = 65_536

/** Thrown by {@link writeFrame} when the other side reads nothing for `stalledMs`. */
export class StallError extends Error {
  override readonly name = 'StallError'
  readonly stalledMs: number
  constructor(stalledMs: number) {
    super(`nothing was read for ${stalledMs} ms`)
    this.stalledMs = stalledMs
  }
}

/**
 * Send one frame and wait until its last slice is on its way.
 *
 * @throws {StallError} if no slice moves for `stallMs`.
 * @throws {Error} if the stream closes.
 */
export async function writeFrame(
  stream: Stream,
  bytes: Uint8Array,
  stallMs: number,
): Promise<void> {
  const first = concatBytes(frameHeader(bytes.length), bytes.subarray(0, sliceBytes))
  await writeSlice(stream, first, stallMs)
  for (let at = sliceBytes; at < bytes.length; at += sliceBytes)
    await writeSlice(stream, bytes.subarray(at, at + sliceBytes), stallMs)
}

async function writeSlice(stream: Stream, slice: Uint8Array, stallMs: number): Promise<void> {
  stream.send(slice)
  while (stream.writableNeedsDrain) await drained(stream, stallMs)
}

/** Listens itself: the stream's own `onDrain` answers at once from its second use on. */
function drained(stream: Stream, stallMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(() => reject(new StallError(stallMs))), stallMs)
    const onDrain = () => settle(resolve)
    const onClose = () => settle(() => reject(new Error(`the stream is ${stream.status}`)))
    function settle(outcome: () => void): void {
      clearTimeout(timer)
      stream.removeEventListener('drain', onDrain)
      stream.removeEventListener('close', onClose)
      outcome()
    }
    stream.addEventListener('drain', onDrain)
    stream.addEventListener('close', onClose)
    if (stream.status !== 'open') onClose()
  })
}

/**
 * Let the sender of many small messages go on with what is left of its window until half of it is used:
 * by itself, the library answers each message with a window update, which costs both sides as much as the
 * message did.
 */
export function grantSparingly(stream: Stream): void {
  if (!(stream instanceof YamuxStream)) return
  const grant = stream.sendWindowUpdate.bind(stream)
  const window = stream as unknown as Window
  stream.sendWindowUpdate = () => {
    const isOpen = stream.state === StreamState.Established
    if (!isOpen || !(2 * window.recvWindowCapacity > window.recvWindow)) grant()
  }
}

/** What the library keeps of a window: its size, and how much of it the sender has left; bytes. */
type Window = { readonly recvWindow: number; readonly recvWindowCapacity: number }

/** Close the writing end; a stream that is gone already is fine. */
export async function closeWrite(stream: Stream): Promise<void> {
  try {
    await stream.close({ signal: AbortSignal.timeout(5_000) })
  } catch {
    stream.abort(new Error('could not be closed'))
  }
}

/**
 * Hand every frame of `stream` to `take`, one at a time and in order. While `take` is at work the
 * stream is paused. Resolves when the stream ends, or at the first malformed frame.
 *
 * @param take - must not reject.
 */
export function readFrames(
  stream: Stream,
  maxBytes: number,
  take: (frame: Uint8Array) => void | Promise<void>,
): Promise<Result<'ended', FrameFault>> {
  return new Promise((resolve, reject) => {
    const reader = new FrameReader(maxBytes)
    let taking = false
    let ended = false

    function onMessage({ data }: StreamMessageEvent): void {
      const frames: Uint8Array[] = []
      for (const piece of data instanceof Uint8Array ? [data] : data) {
        const cut = reader.push(piece)
        if (!cut.ok) {
          finish(cut)
          return
        }
        frames.push(...cut.value)
      }
      if (frames.length > 0) takeAll(frames).catch(reject)
    }

    async function takeAll(frames: readonly Uint8Array[]): Promise<void> {
      taking = true
      for (const frame of frames) await whilePaused(stream, take(frame))
      taking = false
      if (stream.readStatus === 'paused') stream.resume()
      if (ended && !taking) finish(reader.end())
    }

    function onEnd(): void {
      ended = true
      if (!taking) finish(reader.end())
    }

    function finish(result: Result<'ended', FrameFault>): void {
      stream.removeEventListener('message', onMessage)
      stream.removeEventListener('end', onEnd)
      stream.removeEventListener('close', onEnd)
      resolve(result)
    }

    stream.addEventListener('end', onEnd)
    stream.addEventListener('close', onEnd)
    stream.addEventListener('message', onMessage)
    if (stream.readStatus === 'paused') stream.resume()
    if (stream.readableEnded || (stream.status !== 'open' && stream.readBufferLength === 0)) onEnd()
  })
}

function whilePaused(stream: Stream, work: void | Promise<void>): void | Promise<void> {
  if (work !== undefined && stream.readStatus === 'readable') stream.pause()
  return work
}

/**
 * The first frame of `stream`.
 *
 * @throws {Error} if the stream ends before, or `signal` aborts.
 */
export async function readFrame(
  stream: Stream,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Result<Uint8Array, FrameFault>> {
  const first = Promise.withResolvers<Uint8Array>()
  const onAbort = () => first.reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  const read = readFrames(stream, maxBytes, (frame) => first.resolve(frame)).then((end) => {
    if (!end.ok && end.fault.code === 'frame/size') return end
    throw new Error(`the stream is ${stream.status} and gave no frame`)
  })
  read.catch(() => {})
  try {
    return await Promise.race([first.promise.then(ok), read])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
