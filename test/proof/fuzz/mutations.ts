/** Changes of an encoded proof: of its bytes, of its counts, and of its decoded parts. */
import type { SeededRandom } from '../../../primitives/random.ts'
import { order } from '../../../proof/babyBear.ts'
import type { ProofShape } from '../../../proof/parameters.ts'
import { decodeProof, encodeProof, type StepProof } from '../../../proof/proof.ts'

export type Sample = { readonly shape: ProofShape; readonly bytes: Uint8Array }

export type Mutation = {
  readonly name: string
  readonly apply: (sample: Sample, random: SeededRandom, other: Sample) => Uint8Array
}

/** `bytes` with `[from, from + removed)` replaced. */
function spliced(
  bytes: Uint8Array,
  from: number,
  removed: number,
  inserted: Uint8Array,
): Uint8Array {
  const result = new Uint8Array(bytes.length - removed + inserted.length)
  result.set(bytes.subarray(0, from))
  result.set(inserted, from)
  result.set(bytes.subarray(from + removed), from + inserted.length)
  return result
}

const noise = (length: number, random: SeededRandom) =>
  Uint8Array.from({ length }, () => random.below(256))

function rangeOf(bytes: Uint8Array, random: SeededRandom, most = 200) {
  const from = random.below(bytes.length)
  return { from, length: Math.min(1 + random.below(most), bytes.length - from) }
}

/** Bytes of the mode and of all counts. */
export function headBytes({ classes }: ProofShape): number {
  return 1 + 4 * (1 + 2 * classes.length)
}

const edgeWords = [0, 1, 2, order - 1, order, order + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

function withWord(bytes: Uint8Array, at: number, value: number, littleEndian: boolean): Uint8Array {
  const copy = bytes.slice()
  new DataView(copy.buffer).setUint32(at, value, littleEndian)
  return copy
}

/** These need no proof to start from. */
export const bytewise = 10

const byteMutations: readonly Mutation[] = [
  {
    name: 'bits flipped',
    apply: ({ bytes }, random) => {
      const copy = bytes.slice()
      for (let i = random.below(3); i >= 0; i--)
        copy[random.below(copy.length)]! ^= 1 << random.below(8)
      return copy
    },
  },
  {
    name: 'a run of noise',
    apply: ({ bytes }, random) => {
      const { from, length } = rangeOf(bytes, random)
      return spliced(bytes, from, length, noise(length, random))
    },
  },
  {
    name: 'a run of zeros',
    apply: ({ bytes }, random) => {
      const { from, length } = rangeOf(bytes, random, 2_000)
      return spliced(bytes, from, length, new Uint8Array(length))
    },
  },
  {
    name: 'a run left out',
    apply: ({ bytes }, random) => {
      const { from, length } = rangeOf(bytes, random)
      return spliced(bytes, from, length, new Uint8Array(0))
    },
  },
  {
    name: 'a run put in',
    apply: ({ bytes }, random) => {
      const { from, length } = rangeOf(bytes, random)
      return spliced(bytes, from, 0, noise(length, random))
    },
  },
  {
    name: 'a run moved',
    apply: ({ bytes }, random) => {
      const { from, length } = rangeOf(bytes, random)
      const to = random.below(bytes.length - length + 1)
      return spliced(bytes, to, length, bytes.slice(from, from + length))
    },
  },
  {
    name: 'cut short',
    apply: ({ bytes }, random) => bytes.subarray(0, random.below(bytes.length)),
  },
  {
    name: 'prolonged',
    apply: ({ bytes }, random) =>
      spliced(bytes, bytes.length, 0, noise(1 + random.below(64), random)),
  },
  {
    name: 'the tail of another proof',
    apply: ({ bytes }, random, other) => {
      const from = random.below(bytes.length)
      const tail = other.bytes.subarray(Math.min(from, other.bytes.length))
      return spliced(bytes, from, bytes.length - from, tail)
    },
  },
  {
    name: 'a word at an edge',
    apply: ({ bytes }, random) => {
      const words = Math.floor(bytes.length / 4)
      const at = bytes.length - 4 * (1 + random.below(words))
      return withWord(bytes, at, edgeWords[random.below(edgeWords.length)]!, true)
    },
  },
  {
    name: 'another count',
    apply: ({ bytes, shape }, random) => {
      const fields = (headBytes(shape) - 1) / 4
      const at = 1 + 4 * random.below(fields)
      const now = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at)
      const values = [0, 1, now + 1, now - 1, 2 * now, 256, 257, 0x7fff_ffff, 0xffff_ffff]
      return withWord(bytes, at, values[random.below(values.length)]! >>> 0, false)
    },
  },
  {
    name: 'a count that its bytes follow',
    apply: ({ bytes, shape }, random) => {
      const copy = withWord(bytes, 1, random.below(300), false)
      const listed = new DataView(copy.buffer).getUint32(1)
      const length = 15 * listed - 15 * new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
      const at = headBytes(shape)
      return length >= 0
        ? spliced(copy, at, 0, noise(length, random))
        : spliced(copy, at, -length, new Uint8Array(0))
    },
  },
  {
    name: 'the other mode',
    apply: ({ bytes }) => spliced(bytes, 0, 1, Uint8Array.of(1 - bytes[0]!)),
  },
  { name: 'noise alone', apply: (_, random) => noise(random.below(4_000), random) },
  {
    name: 'noise of the right length',
    apply: ({ bytes, shape }, random) => {
      const head = headBytes(shape)
      return spliced(bytes, head, bytes.length - head, noise(bytes.length - head, random))
    },
  },
  {
    name: 'canonical noise in every part',
    apply: ({ bytes, shape }, random) => {
      const decoded = decodeProof(shape, bytes)
      if (!decoded.ok) throw new Error('a sample that does not decode')
      const words = (part: Uint32Array) => part.map(() => random.below(order))
      const { tree, openings, combinations, ...rest } = decoded.value
      return encodeProof(shape, {
        ...rest,
        tree: {
          root: words(tree.root),
          layers: tree.layers.map(({ rounds, values }) => ({
            rounds: words(rounds),
            values: words(values),
          })),
        },
        leafValues: words(rest.leafValues),
        productRounds: words(rest.productRounds),
        endValues: words(rest.endValues),
        reductionRounds: words(rest.reductionRounds),
        columnValues: words(rest.columnValues),
        combinations: combinations.map(words),
        openings: openings.map((trees) =>
          trees.map(({ columns, siblings }) => ({
            columns: words(columns),
            siblings: noise(siblings.length, random),
          })),
        ),
      })
    },
  },
]

type Part = {
  readonly [Name in keyof StepProof]: (
    part: StepProof[Name],
    random: SeededRandom,
  ) => StepProof[Name]
}

function wordsChanged(words: Uint32Array, random: SeededRandom): Uint32Array {
  if (words.length === 0) return words
  const copy = words.slice()
  const at = random.below(copy.length)
  const other = random.below(copy.length)
  const kinds: readonly (() => void)[] = [
    () => copy.fill(0),
    () => copy.set(words.toReversed()),
    () => {
      copy[at] = (copy[at]! + 1) % order
    },
    () => {
      copy[at] = (order - copy[at]!) % order
    },
    () => {
      copy[at] = copy[other]!
    },
    () => copy.set(words.subarray(5), 0),
    () => copy.fill(1),
  ]
  kinds[random.below(kinds.length)]!()
  return copy
}

const bytesChanged = (bytes: Uint8Array, random: SeededRandom) =>
  random.below(2) === 0 ? new Uint8Array(bytes.length) : bytes.toReversed()

/** How each part may be changed; a new part does not compile until someone says. */
const parts: Part = {
  mid: (part, random) => (part === null ? part : bytesChanged(part, random)),
  witness: bytesChanged,
  excess: (part, random) => (part === null ? part : bytesChanged(part, random)),
  saturated: (list, random) => {
    const entry = { step: 0, layer: 1, row: 0, col: 0, excess: 1 - 2 * random.below(2) }
    const lists = [
      list.toReversed(),
      list.slice(1),
      [...list, ...list.slice(-1)],
      [entry, ...list],
      list.map((old) => ({ ...old, excess: -old.excess })),
      list.map((old) => ({ ...old, row: old.row + 1 })),
      list.map((old) => ({ ...old, layer: 0 })),
      list.map((old) => ({ ...old, step: 255 })),
      Array.from({ length: 257 }, () => entry),
    ]
    return lists[random.below(lists.length)]!
  },
  losses: wordsChanged,
  tree: ({ root, layers }, random) => {
    const at = random.below(layers.length)
    const changed = layers.map((layer, i) => {
      if (i !== at) return layer
      return random.below(2) === 0
        ? { ...layer, rounds: wordsChanged(layer.rounds, random) }
        : { ...layer, values: wordsChanged(layer.values, random) }
    })
    const trees = [
      { root: wordsChanged(root, random), layers },
      { root, layers: changed },
      { root, layers: changed },
      { root, layers: layers.slice(0, -1) },
      { root, layers: layers.toReversed() },
    ]
    return trees[random.below(trees.length)]!
  },
  leafValues: wordsChanged,
  productRounds: wordsChanged,
  endValues: wordsChanged,
  reductionRounds: wordsChanged,
  columnValues: wordsChanged,
  combinations: (rows, random) => {
    const at = random.below(rows.length)
    return rows.map((row, i) => (i === at ? wordsChanged(row, random) : row))
  },
  openings: (classes, random) => {
    const at = random.below(classes.length)
    return classes.map((trees, i) => {
      if (i !== at) return trees
      const t = random.below(trees.length)
      const { columns, siblings } = trees[t]!
      const changes = [
        trees.with(t, { columns: wordsChanged(columns, random), siblings }),
        trees.with(t, { columns, siblings: bytesChanged(siblings, random) }),
        trees.map(({ columns: own, siblings: path }) => ({
          columns: own,
          siblings: path.subarray(32),
        })),
        // Paths of one tree for another; its rows may be more or fewer.
        trees.map(({ columns: own }, other) => ({
          columns: own,
          siblings: trees.at(-1 - other)!.siblings,
        })),
      ]
      return changes[random.below(changes.length)]!
    })
  },
}

const partMutations: readonly Mutation[] = (Object.keys(parts) as (keyof StepProof)[]).map(
  (name) => ({
    name: `${name} changed`,
    apply: ({ shape, bytes }, random) => {
      const decoded = decodeProof(shape, bytes)
      if (!decoded.ok) throw new Error('a sample that does not decode')
      const change = parts[name] as (part: unknown, random: SeededRandom) => unknown
      return encodeProof(shape, { ...decoded.value, [name]: change(decoded.value[name], random) })
    },
  }),
)

const swapped: Mutation = {
  name: 'a part of another proof',
  apply: ({ shape, bytes }, random, other) => {
    const [mine, theirs] = [decodeProof(shape, bytes), decodeProof(other.shape, other.bytes)]
    if (!mine.ok || !theirs.ok) throw new Error('a sample that does not decode')
    const alike =
      String(shape.layers) === String(other.shape.layers) &&
      shape.dense === other.shape.dense &&
      shape.steps.length === other.shape.steps.length
    // Openings of another shape have no encoding.
    const names = (Object.keys(parts) as (keyof StepProof)[]).filter(
      (name) => alike || name !== 'openings',
    )
    const name = names[random.below(names.length)]!
    return encodeProof(shape, { ...mine.value, [name]: theirs.value[name] })
  },
}

export const mutations: readonly Mutation[] = [...byteMutations, ...partMutations, swapped]
