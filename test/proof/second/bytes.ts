/** Bytes, digests and the transcript: P-35 to P-45. */
import { createHash } from 'node:crypto'
import type { E } from './field.ts'
import { p } from './field.ts'

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return Uint8Array.from(hash.digest())
}

export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/^0x/, '').match(/../g) ?? [], (pair) => parseInt(pair, 16))
}

export function toHex(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** Big-endian. */
export function uint(value: number | bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) =>
    Number((BigInt(value) >> BigInt(8 * (length - 1 - i))) & 255n),
  )
}

/** Four bytes little-endian each. */
export function words(values: readonly bigint[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [...uint(value, 4)].toReversed()))
}

/** SHA-256 of the tag and each part, each after its length in 4 bytes. */
export function hashOf(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const all = [new TextEncoder().encode(tag), ...parts]
  return sha256(...all.flatMap((part) => [uint(part.length, 4), part]))
}

/** Reads from the front; throws `RangeError` at anything wrong. */
export class Reader {
  readonly #bytes: Uint8Array
  #at = 0
  /** Bits of words taken behind `#at`. */
  #bits = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at - Math.ceil(this.#bits / 8)
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw new RangeError('too short')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  uint(length: number): bigint {
    return this.take(length).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  }

  number(length: number): number {
    return Number(this.uint(length))
  }

  list<T>(read: () => T): readonly T[] {
    return Array.from({ length: this.number(4) }, read)
  }

  /** A canonical word of the field: 31 bits, lowest first. Nothing but words may follow. */
  word(): bigint {
    let value = 0n
    for (let i = 0n; i < 31n; i++) value |= BigInt(this.#bit()) << i
    if (value >= p) throw new RangeError('not canonical')
    return value
  }

  /** The bits that fill up the last byte of words. */
  finishWords(): void {
    while (this.#bits % 8 !== 0) if (this.#bit() !== 0) throw new RangeError('not canonical')
  }

  #bit(): number {
    const byte = this.#bytes[this.#at + Math.floor(this.#bits / 8)]
    if (byte === undefined) throw new RangeError('too short')
    return (byte >>> (this.#bits++ % 8)) & 1
  }

  elements(amount: number): readonly E[] {
    return Array.from({ length: amount }, () => Array.from({ length: 5 }, () => this.word()))
  }
}

/** P-40 and P-41. */
export class Chain {
  #digest = sha256(new TextEncoder().encode('waggle/step-proof/v1'))

  bytes(label: string, data: Uint8Array): void {
    this.#absorb(0, label, data)
  }

  elements(label: string, data: readonly E[]): void {
    this.#absorb(1, label, words(data.flat()))
  }

  draw(amount: number): readonly E[] {
    const next = this.#stream()
    const word = (): bigint => {
      const value = next()
      return value < p ? value : word()
    }
    return Array.from({ length: amount }, () => Array.from({ length: 5 }, word))
  }

  /** Positions of each class, sorted, each once. */
  positions(classes: readonly { readonly amount: number; readonly size: number }[]) {
    const next = this.#stream()
    return classes.map(({ amount, size }) => {
      const drawn = Array.from({ length: amount }, () => Number(next() % BigInt(size)))
      return [...new Set(drawn)].toSorted((a, b) => a - b)
    })
  }

  #absorb(kind: number, label: string, data: Uint8Array): void {
    const name = new TextEncoder().encode(label)
    const lengths = Uint8Array.from([
      ...uint(name.length, 2).toReversed(),
      ...uint(data.length, 8).toReversed(),
    ])
    this.#digest = sha256(this.#digest, Uint8Array.of(0x41, kind), lengths, name, data)
  }

  #stream(): () => bigint {
    this.#digest = sha256(this.#digest, Uint8Array.of(0x43, 0, 0, 0, 0))
    let blocks = 0
    let pending: bigint[] = []
    return () => {
      if (pending.length === 0) {
        const counter = uint(blocks++, 4).toReversed()
        const block = sha256(this.#digest, Uint8Array.of(0x4f), counter)
        pending = Array.from({ length: 8 }, (_, i) =>
          block
            .subarray(4 * i, 4 * i + 4)
            .reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n),
        )
      }
      return pending.shift()! & 0x7fff_ffffn
    }
  }
}

/** Root from leaves at ascending positions and the siblings that they lack; P-35, P-36. */
export function multiproofRoot(
  positions: readonly number[],
  leaves: readonly Uint8Array[],
  siblings: readonly Uint8Array[],
  depth: number,
): Uint8Array | null {
  const rest = [...siblings]
  let known = new Map(positions.map((position, i) => [position, leaves[i]!]))
  for (let level = 0; level < depth; level++) {
    for (const position of [...known.keys()]) {
      if (known.has(position ^ 1)) continue
      const sibling = rest.shift()
      if (sibling === undefined) return null
      known.set(position ^ 1, sibling)
    }
    const parents = [...new Set([...known.keys()].map((at) => at >>> 1))].toSorted((a, b) => a - b)
    known = new Map(
      parents.map((at) => [
        at,
        sha256(Uint8Array.of(1), known.get(2 * at)!, known.get(2 * at + 1)!),
      ]),
    )
  }
  return rest.length === 0 ? known.get(0)! : null
}
