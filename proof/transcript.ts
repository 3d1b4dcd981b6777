/**
 * The Fiat–Shamir transcript: a SHA-256 chain that takes labelled messages and gives challenges.
 *
 * Rules P-40 to P-45 of docs/spec/proof.md. The order of everything absorbed and drawn is declared in
 * {@link schema}; leaving something out, or drawing before all of a phase is absorbed, is a `Bug` in
 * prover and verifier alike, so no code path can weaken a challenge.
 */
import { utf8ToBytes } from '../primitives/bytes.ts'
import { invariant } from '../primitives/result.ts'
import { order, wordBytes } from './babyBear.ts'
import { degree, type Element, type Elements } from './extension.ts'
import { type Sha256, sha256 } from './sha256.ts'

type Phase = {
  /** Labels that must be absorbed, each once, in this order. */
  readonly absorbs: readonly string[]
  /** Labels that may be drawn after that, in this order; all before the next phase. */
  readonly draws: readonly string[]
  /** Phases that may follow. */
  readonly next: readonly PhaseName[]
}

export type PhaseName =
  | 'statement'
  | 'batch'
  | 'commitments'
  | 'root'
  | 'layerRound'
  | 'layerEnd'
  | 'leaves'
  | 'productRound'
  | 'productEnd'
  | 'reductionRound'
  | 'reductionEnd'
  | 'combinations'

const schema: Readonly<Record<PhaseName, Phase>> = {
  statement: {
    absorbs: ['version', 'job', 'chain', 'range', 'steps', 'worker', 'seed'],
    draws: [],
    next: ['batch'],
  },
  batch: { absorbs: ['rows', 'exponents'], draws: [], next: ['batch', 'commitments'] },
  commitments: {
    absorbs: ['before', 'after', 'mid', 'witness', 'excess', 'mode', 'saturated', 'losses'],
    draws: ['alpha', 'beta'],
    next: ['root'],
  },
  root: { absorbs: ['root'], draws: ['lambda'], next: ['layerRound', 'layerEnd'] },
  layerRound: { absorbs: ['round'], draws: ['r'], next: ['layerRound', 'layerEnd'] },
  layerEnd: { absorbs: ['values'], draws: ['tau', 'lambda'], next: ['layerRound', 'leaves'] },
  leaves: { absorbs: ['claims'], draws: ['gamma', 'chunks'], next: ['productRound'] },
  productRound: { absorbs: ['round'], draws: ['sigma'], next: ['productRound', 'productEnd'] },
  productEnd: { absorbs: ['claims'], draws: ['gamma'], next: ['reductionRound'] },
  reductionRound: { absorbs: ['round'], draws: ['r'], next: ['reductionRound', 'reductionEnd'] },
  reductionEnd: { absorbs: ['columns'], draws: ['eta'], next: ['combinations'] },
  combinations: { absorbs: ['rows'], draws: ['positions'], next: [] },
}

const version = 'waggle/step-proof/v1'

/** What is absorbed, as bytes. */
const labels: ReadonlyMap<string, Uint8Array> = new Map(
  Object.values(schema).flatMap(({ absorbs }) =>
    absorbs.map((label) => [label, utf8ToBytes(label)] as const),
  ),
)

/** Bytes of a message before its label: digest, 'A', kind, two lengths. */
const headBytes = 32 + 12
/** Shorter messages are put together in one place. */
const shortMessage = 256

export class Transcript {
  readonly #hash: Sha256
  #digest: Uint8Array
  readonly #message = new Uint8Array(shortMessage)
  /** Digest, kind and a number. */
  readonly #output = new Uint8Array(37)
  #phase: PhaseName | null = null
  /** How many of the phase's labels have been absorbed and drawn. */
  #absorbed = 0
  #drawn = 0

  /** @param hash - SHA-256, by whichever code. */
  constructor(hash: Sha256 = sha256) {
    this.#hash = hash
    this.#digest = hash(utf8ToBytes(version))
  }

  /** Begin a phase that the schema allows here. */
  enter(phase: PhaseName): this {
    invariant(this.#allowed(phase), `transcript: ${phase} after ${this.#phase}`)
    this.#phase = phase
    this.#absorbed = 0
    this.#drawn = 0
    return this
  }

  absorb(label: string, bytes: Uint8Array): this {
    return this.#take(label, 0, bytes)
  }

  absorbElements(label: string, elements: Elements): this {
    return this.#take(label, 1, wordBytes(elements))
  }

  /** `amount` challenges in E; may be none, but must be asked for. */
  draw(label: string, amount: number): Elements {
    return this.#stream(label, amount * degree)
  }

  drawOne(label: string): Element {
    return this.draw(label, 1)
  }

  /** `amounts[i]` positions below the power of two `sizes[i]`, with repetition. */
  drawPositions(
    label: string,
    wanted: readonly { readonly amount: number; readonly size: number }[],
  ): readonly Uint32Array[] {
    this.#expectDraw(label)
    const next = this.#words()
    return wanted.map(({ amount, size }) => {
      invariant((size & (size - 1)) === 0, `transcript: ${size} is no power of two`)
      return Uint32Array.from({ length: amount }, () => next() & (size - 1))
    })
  }

  #allowed(phase: PhaseName): boolean {
    if (this.#phase === null) return phase === 'statement'
    const { absorbs, draws, next } = schema[this.#phase]
    const done = this.#absorbed === absorbs.length && this.#drawn === this.#drawsDue(draws, phase)
    return done && next.includes(phase)
  }

  /** The last layer has no layer above it, so no further λ. */
  #drawsDue(draws: readonly string[], following: PhaseName): number {
    return this.#phase === 'layerEnd' && following === 'leaves' ? draws.length - 1 : draws.length
  }

  #take(label: string, kind: number, bytes: Uint8Array): this {
    const expected = this.#phase === null ? undefined : schema[this.#phase].absorbs[this.#absorbed]
    invariant(label === expected, `transcript: absorbs ${label} where ${expected} is due`)
    this.#absorbed++
    const name = labels.get(label)!
    const length = headBytes + name.length + bytes.length
    const message =
      length <= shortMessage ? this.#message.subarray(0, length) : new Uint8Array(length)
    message.set(this.#digest)
    message[32] = 0x41
    message[33] = kind
    message[34] = name.length
    message[35] = 0
    // Nothing is as long as 4 GiB.
    putWord(message, 36, bytes.length)
    putWord(message, 40, 0)
    message.set(name, headBytes)
    message.set(bytes, headBytes + name.length)
    this.#digest = this.#hash(message)
    return this
  }

  #expectDraw(label: string): void {
    const phase = this.#phase === null ? null : schema[this.#phase]
    invariant(
      phase !== null && this.#absorbed === phase.absorbs.length,
      `transcript: draws ${label} before all of ${this.#phase} is absorbed`,
    )
    const expected = phase.draws[this.#drawn]
    invariant(label === expected, `transcript: draws ${label} where ${expected} is due`)
    this.#drawn++
  }

  #stream(label: string, amount: number): Uint32Array {
    this.#expectDraw(label)
    this.#advance()
    const drawn = new Uint32Array(amount)
    let filled = 0
    for (let number = 0; filled < amount; number++) {
      const block = this.#block(number)
      for (let offset = 0; offset < block.length && filled < amount; offset += 4) {
        const word = wordAt(block, offset)
        if (word < order) drawn[filled++] = word
      }
    }
    return drawn
  }

  /** Advances the chain, then gives the 31-bit words of one output stream. */
  #words(): () => number {
    this.#advance()
    let block: Uint8Array = new Uint8Array(0)
    let blocks = 0
    let offset = 0
    return () => {
      if (offset === block.length) {
        block = this.#block(blocks++)
        offset = 0
      }
      offset += 4
      return wordAt(block, offset - 4)
    }
  }

  /** What is put out from here on depends on all that was absorbed. */
  #advance(): void {
    const output = this.#output
    output.set(this.#digest)
    output[32] = 0x43
    putWord(output, 33, 0)
    this.#digest = this.#hash(output)
    output.set(this.#digest)
    output[32] = 0x4f
  }

  /** A block of the output stream since the last advance. */
  #block(number: number): Uint8Array {
    putWord(this.#output, 33, number)
    return this.#hash(this.#output)
  }
}

/** 31 bits, little-endian. */
function wordAt(block: Uint8Array, offset: number): number {
  const low = block[offset]! | (block[offset + 1]! << 8) | (block[offset + 2]! << 16)
  return low | ((block[offset + 3]! & 0x7f) << 24)
}

/** 4 bytes, little-endian. */
function putWord(bytes: Uint8Array, at: number, word: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = word >>> (8 * i)
}
