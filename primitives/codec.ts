/**
 * The binary codec of everything that is not an Ethereum object: big-endian integers and
 * length-prefixed byte strings. Every value has exactly one encoding; a reader refuses short input,
 * a length above its bound and trailing bytes, and allocates nothing before it has checked.
 */
import { concatBytes, plainBytes, uintBytes } from './bytes.ts'
import { type Hash, hashBytes, hashFromBytes } from './hash.ts'
import { ok, type Result, refuse } from './result.ts'

export type CodecFault =
  | {
      readonly code: 'codec/short'
      readonly offset: number
      readonly wanted: number
      readonly left: number
    }
  | {
      readonly code: 'codec/bound'
      readonly offset: number
      readonly max: number
      readonly got: number
    }
  | { readonly code: 'codec/trailing'; readonly offset: number; readonly left: number }
  | { readonly code: 'codec/value'; readonly offset: number; readonly what: string }

/** Collects parts; `bytes()` joins them. */
export class Writer {
  readonly #parts: Uint8Array[] = []

  uint(value: bigint | number, width: number): this {
    this.#parts.push(uintBytes(value, width))
    return this
  }

  hash(hash: Hash): this {
    this.#parts.push(hashBytes(hash))
    return this
  }

  /** Exactly these bytes; the reader knows how many. */
  fixed(bytes: Uint8Array): this {
    this.#parts.push(bytes)
    return this
  }

  /** A 4-byte length, then the bytes. */
  blob(bytes: Uint8Array): this {
    this.#parts.push(uintBytes(bytes.length, 4), bytes)
    return this
  }

  /** A 4-byte count, then each item. */
  list<T>(items: readonly T[], write: (item: T, writer: Writer) => void): this {
    this.uint(items.length, 4)
    for (const item of items) write(item, this)
    return this
  }

  bytes(): Uint8Array {
    return concatBytes(...this.#parts)
  }
}

/** Thrown inside {@link decode} and caught there; never leaves this file. */
class Stop extends Error {
  readonly fault: CodecFault
  constructor(fault: CodecFault) {
    super(fault.code)
    this.fault = fault
  }
}

/** Reads what {@link Writer} wrote. Usable only inside {@link decode}, which turns faults into values. */
export class Reader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  uint(width: number): bigint {
    let value = 0n
    for (const byte of this.#take(width)) value = (value << 8n) | BigInt(byte)
    return value
  }

  /** An integer of up to 6 bytes, at most `max`. */
  number(width: number, max: number = Number.MAX_SAFE_INTEGER): number {
    const offset = this.#offset
    const got = Number(this.uint(width))
    if (got > max) throw new Stop({ code: 'codec/bound', offset, max, got })
    return got
  }

  hash(): Hash {
    return hashFromBytes(this.#take(32))
  }

  fixed(length: number): Uint8Array {
    return plainBytes(this.#take(length))
  }

  blob(maxLength: number): Uint8Array {
    return this.fixed(this.number(4, maxLength))
  }

  list<T>(maxCount: number, read: (reader: Reader) => T): T[] {
    const count = this.number(4, maxCount)
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read(this))
    return items
  }

  /** Bytes not yet read. */
  get left(): number {
    return this.#bytes.length - this.#offset
  }

  /** Refuse the value just read for a reason of the caller's. */
  fail(what: string): never {
    throw new Stop({ code: 'codec/value', offset: this.#offset, what })
  }

  end(): void {
    const { left } = this
    if (left > 0) throw new Stop({ code: 'codec/trailing', offset: this.#offset, left })
  }

  #take(length: number): Uint8Array {
    const { left } = this
    if (length > left)
      throw new Stop({ code: 'codec/short', offset: this.#offset, wanted: length, left })
    this.#offset += length
    return this.#bytes.subarray(this.#offset - length, this.#offset)
  }
}

/** Read one value that must fill `bytes` exactly. Total: any bytes give a verdict. */
export function decode<T>(bytes: Uint8Array, read: (reader: Reader) => T): Result<T, CodecFault> {
  const reader = new Reader(bytes)
  try {
    const value = read(reader)
    reader.end()
    return ok(value)
  } catch (error) {
    if (error instanceof Stop) return refuse(error.fault)
    throw error
  }
}
