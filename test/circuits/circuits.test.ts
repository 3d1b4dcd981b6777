/**
 * The compiled circuits, judged without proofs: no wire is free, and each computes what its
 * TypeScript twin does. A circuit with a free wire is a lock that every key opens.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { wtns } from 'snarkjs'
import { beforeAll, describe, it, vi } from 'vitest'
import { poseidonOrder } from '../../primitives/poseidon.ts'
import { type Compiled, compiledCircuit } from '../../zk/artefacts.ts'
import { type CircuitInput, type CircuitName, circuitNames, circuits } from '../../zk/circuits.ts'
import { credentialInput, datasetCommitment, recordCommitment } from '../../zk/credential.ts'
import { memberCommitment, nullifierOf, pathOf } from '../../zk/membership.ts'
import {
  exampleCommitment,
  modelCommitment,
  modelShape,
  type PrivateModel,
  predictionInput,
  predictPrivately,
  unpackOutputs,
} from '../../zk/prediction.ts'
import { brokenConstraint, parseR1cs, parseWitness, type R1cs } from '../../zk/r1cs.ts'
import {
  sampleExample as example,
  sampleModel as model,
  samplePuzzle as puzzle,
  sampleRows as rows,
  sampleInput,
  sampleSecrets as secrets,
  sampleSolution as solution,
} from '../../zk/samples.ts'
import { packGrid, sudokuInput } from '../../zk/sudoku.ts'
import { dice } from '../zk/support.ts'

// A proof takes a second of two idle cores, and much longer on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

const members = secrets.map(memberCommitment)
const compiled = new Map<CircuitName, Compiled & { readonly circuit: R1cs }>()

beforeAll(async () => {
  for (const name of circuitNames) {
    const paths = await compiledCircuit(name)
    compiled.set(name, { ...paths, circuit: parseR1cs(new Uint8Array(readFileSync(paths.r1cs))) })
  }
}, 240_000)

/** The witness for `input`; null if there is none. */
async function witnessOf(
  name: CircuitName,
  input: CircuitInput,
): Promise<readonly bigint[] | null> {
  const file = { type: 'mem' as const, data: new Uint8Array() }
  const made = await wtns
    .calculate(input as never, compiled.get(name)!.wasm, file as never)
    .then(() => true)
    .catch(() => false)
  return made ? parseWitness(file.data) : null
}

/** The public numbers of `input`. */
async function publicsOf(name: CircuitName, input: CircuitInput): Promise<readonly bigint[]> {
  const witness = await witnessOf(name, input)
  assert.ok(witness !== null, 'no witness')
  return witness.slice(1, 1 + circuits[name].publics.length)
}

async function isRefused(name: CircuitName, input: CircuitInput): Promise<void> {
  assert.equal(await witnessOf(name, input), null)
}

describe.each(circuitNames)('%s', (name) => {
  it('keeps its wires within the constraints', () => {
    const { circuit } = compiled.get(name)!
    const used = new Set<number>()
    for (const { a, b, c } of circuit.constraints)
      for (const [wire] of [...a, ...b, ...c]) used.add(wire)
    const free = Array.from({ length: circuit.wires }, (_, wire) => wire).filter(
      (wire) => !used.has(wire),
    )
    assert.deepEqual(free, [])
    assert.equal(circuit.publicOutputs + circuit.publicInputs, circuits[name].publics.length)
  })

  it('ties every assigned signal to a constraint in the source', () => {
    const { source } = circuits[name]
    const files = [`${source}.circom`, 'lib/bits.circom', 'lib/commit.circom']
    for (const file of files) {
      const text = readFileSync(`circuits/${file}`, 'utf8')
      for (const [, target] of text.matchAll(/^\s*(\w+)(?:\[.*?\])*\s*<--/gm)) {
        const rule = new RegExp(`\\b${target}\\b[^;]*(===|<==)|(===|<==)[^;]*\\b${target}\\b`)
        assert.match(text, rule, `${file}: ${target} is assigned and never constrained`)
      }
    }
  })

  it('notices a change of any one wire', async () => {
    const { circuit } = compiled.get(name)!
    const witness = [...(await witnessOf(name, sampleInput(name)))!]
    assert.equal(brokenConstraint(circuit, witness), null)
    assert.deepEqual(looseWires(circuit, witness), free[name] ?? [])
  })
})

/**
 * Wires that may change alone. The sample repeats its last label to fill the list of eight: each of the
 * copies may be any label, since another copy still covers the rows. They are public inputs, and what
 * they then say is true, too.
 */
const free: Partial<Record<CircuitName, readonly number[]>> = {
  'data-credential': [7, 8, 9, 10, 11],
}

/**
 * Wires that can take another value, all others being as they are. A constraint is quadratic in one
 * wire, `p·d² + q·d = 0` for a change by `d`, so at most one other value keeps it; a wire is loose if
 * some other value keeps all its constraints.
 */
function looseWires({ wires, constraints }: R1cs, witness: readonly bigint[]): readonly number[] {
  const mod = (value: bigint) => ((value % poseidonOrder) + poseidonOrder) % poseidonOrder
  const allowed = new Map<number, bigint | 'any' | 'none'>()
  for (const { a, b, c } of constraints) {
    const [sa, sb] = [a, b].map((terms) =>
      mod(terms.reduce((s, [w, f]) => s + f * witness[w]!, 0n)),
    )
    const factors = new Map<number, [bigint, bigint, bigint]>()
    for (const [part, terms] of [a, b, c].entries())
      for (const [wire, factor] of terms) {
        const row = factors.get(wire) ?? [0n, 0n, 0n]
        row[part] = factor
        factors.set(wire, row)
      }
    for (const [wire, [fa, fb, fc]] of factors) {
      const p = mod(fa * fb)
      const q = mod(fa * sb! + fb * sa! - fc)
      const before = allowed.get(wire) ?? 'any'
      allowed.set(wire, narrowed(before, p, q, mod))
    }
  }
  return Array.from({ length: wires - 1 }, (_, i) => i + 1).filter(
    (wire) => (allowed.get(wire) ?? 'any') !== 'none',
  )
}

/** The change that a wire may still make once `p·d² + q·d = 0` is asked for, too. */
function narrowed(
  before: bigint | 'any' | 'none',
  p: bigint,
  q: bigint,
  mod: (value: bigint) => bigint,
): bigint | 'any' | 'none' {
  if (before === 'none' || (p === 0n && q === 0n)) return before
  // d = −q/p; kept as a check where a change is known, to save the division.
  if (p === 0n || q === 0n) return 'none'
  if (before !== 'any') return mod(p * before + q) === 0n ? before : 'none'
  let inverse = 1n
  let base = p
  for (let rest = poseidonOrder - 2n; rest > 0n; rest >>= 1n) {
    if (rest & 1n) inverse = mod(inverse * base)
    base = mod(base * base)
  }
  return mod(-q * inverse)
}

describe('sudoku', () => {
  it('shows the puzzle', async () => {
    const publics = await publicsOf('sudoku', sudokuInput(puzzle, solution))
    assert.deepEqual(publics, packGrid(puzzle))
  })

  it('refuses a wrong digit, a broken rule and another puzzle', async () => {
    const wrong = [...solution]
    wrong[2] = 3
    await isRefused('sudoku', sudokuInput(puzzle, wrong))
    const swapped = [...solution]
    ;[swapped[2], swapped[3]] = [solution[3]!, solution[2]!]
    await isRefused('sudoku', sudokuInput(puzzle, swapped))
    const other = [...puzzle]
    other[0] = 4
    await isRefused('sudoku', sudokuInput(other, solution))
    const zero = [...solution]
    zero[2] = 0
    await isRefused('sudoku', sudokuInput(puzzle, zero))
  })
})

describe('membership', () => {
  it('gives the root and the nullifier', async () => {
    const [root, nullifier, topic, message] = await publicsOf(
      'membership',
      sampleInput('membership'),
    )
    assert.equal(root, pathOf(members, 1).root)
    assert.equal(nullifier, nullifierOf(secrets[1]!, 77n))
    assert.deepEqual([topic, message], [77n, 99n])
  })

  it('refuses places that are no bits', async () => {
    const { bits, ...rest } = sampleInput('membership')
    await isRefused('membership', { ...rest, bits: [2n, ...(bits as bigint[]).slice(1)] })
  })

  it('gives a stranger another root', async () => {
    const input = { ...sampleInput('membership'), secret: 1n }
    const [root] = await publicsOf('membership', input)
    assert.notEqual(root, pathOf(members, 1).root)
  })
})

describe('private-prediction', () => {
  const outputs = async (one: PrivateModel, x: readonly number[]) =>
    unpackOutputs((await publicsOf('private-prediction', predictionInput(one, x, 5n)))[2]!)

  it('computes the integers of training, and the commitments', async () => {
    const [name, seen] = await publicsOf('private-prediction', sampleInput('private-prediction'))
    assert.equal(name, modelCommitment(model))
    assert.equal(seen, exampleCommitment(example, 5n))
    assert.deepEqual(await outputs(model, example), predictPrivately(model, example))
  })

  it('computes them at the edges of every range', async () => {
    const roll = dice('edges')
    const edge = (count: number, values: readonly number[]) =>
      Array.from({ length: count }, () => values[roll(values.length)]!)
    const { inputs, hidden, outputs: classes } = modelShape
    for (const values of [[127], [-127], [127, -127], [0, 1, -1], [-127, -3, 0, 3, 127]])
      for (const shifts of [
        [1, 1],
        [10, 10],
        [4, 6],
      ] as const) {
        const one = {
          weights1: edge(hidden * inputs, values),
          weights2: edge(classes * hidden, values),
          shifts,
          salt: 0n,
        }
        const x = edge(inputs, [127, -127, 0])
        assert.deepEqual(await outputs(one, x), predictPrivately(one, x))
      }
  })

  it('refuses weights and examples out of range, and shifts that are none', async () => {
    const wide = { ...model, weights1: [128, ...model.weights1.slice(1)] }
    await isRefused('private-prediction', predictionInput(wide, example, 0n))
    const low = { ...model, weights2: [-128, ...model.weights2.slice(1)] }
    await isRefused('private-prediction', predictionInput(low, example, 0n))
    await isRefused('private-prediction', predictionInput(model, [-128, ...example.slice(1)], 0n))
    const none = predictionInput({ ...model, shifts: [11, 1] }, example, 0n)
    await isRefused('private-prediction', none)
  })
})

describe('data-credential', () => {
  const base = { least: 18, labels: [3, 5, 65_535], record: rows[7]!.key, included: true }
  const stranger = rows[7]!.key + 1n

  it('names dataset and record as its twin does', async () => {
    const publics = await publicsOf('data-credential', sampleInput('data-credential'))
    assert.equal(publics[0], datasetCommitment(rows.toReversed(), 42n))
    assert.equal(publics[1], recordCommitment(rows[7]!.key, 0n))
    assert.deepEqual(publics.slice(2), [18n, 3n, 5n, ...new Array(6).fill(65_535n), 1n])
  })

  it('shows that a record is missing, that a dataset is empty or full', async () => {
    const missing = credentialInput(rows, 42n, { ...base, record: stranger, included: false }, 9n)
    assert.ok(missing.ok)
    assert.equal((await publicsOf('data-credential', missing.value)).at(-1), 0n)
    for (const count of [0, 32]) {
      const some = Array.from({ length: count }, (_, i) => ({ key: BigInt(i), label: 1 }))
      const claim = { least: count, labels: [1], record: stranger, included: false }
      const input = credentialInput(some, 1n, claim, 0n)
      assert.ok(input.ok)
      assert.equal(
        (await publicsOf('data-credential', input.value))[0],
        datasetCommitment(some, 1n),
      )
    }
  })

  it('refuses every untrue claim', async () => {
    const input = sampleInput('data-credential')
    const changed = (changes: CircuitInput) =>
      isRefused('data-credential', { ...input, ...changes })
    await changed({ least: 21n })
    await changed({ least: poseidonOrder - 1n })
    await changed({ included: 0n })
    await changed({ recordKey: stranger })
    await changed({ labels: new Array(8).fill(3n) })
    await changed({ labels: [3n, 5n, 65_535n, 65_536n, 3n, 3n, 3n, 3n] })
    const keys = [...(input.keys as bigint[])]
    await changed({ keys: [keys[1]!, keys[0]!, ...keys.slice(2)] })
    await changed({ keys: [keys[1]!, keys[1]!, ...keys.slice(2)] })
    const used = [...(input.used as bigint[])]
    await changed({ used: [0n, ...used.slice(1)] })
    await changed({ used: [2n, ...used.slice(1)] })
  })

  it('tells an untrue claim before it proves', () => {
    for (const claim of [{ least: 21 }, { labels: [3, 5] }, { included: false }, { labels: [] }])
      assert.equal(credentialInput(rows, 1n, { ...base, ...claim }, 0n).ok, false)
    assert.equal(credentialInput([rows[0]!, rows[0]!], 1n, { ...base, least: 1 }, 0n).ok, false)
  })
})
