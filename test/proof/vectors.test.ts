/**
 * The vectors of docs/spec/vectors, one for each layer of the proof: made by the code of `proof/`, and
 * followed by the second verifier's, which shares nothing with it.
 *
 * `WAGGLE_WRITE_VECTORS=1 npx vitest run test/proof/vectors.test.ts` writes them anew.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { env } from 'node:process'
import { describe, it } from 'vitest'
import { initialState } from '../../compute/modelState.ts'
import { toHex } from '../../primitives/bytes.ts'
import { at, type Elements } from '../../proof/extension.ts'
import { commitColumns } from '../../proof/ligero.ts'
import { placeColumn, stateColumns } from '../../proof/parameters.ts'
import { referenceKernels } from '../../proof/referenceKernels.ts'
import { followRounds, proveSums, vectorSummand } from '../../proof/sumcheck.ts'
import { type PhaseName, Transcript } from '../../proof/transcript.ts'
import { encodeJob } from '../../registry/job.ts'
import { randomValues, seedOf } from '../compute/support.ts'
import { Chain, fromHex, multiproofRoot, sha256, words } from './second/bytes.ts'
import { add, type E, eqAll, mul, p, powBase, roundAt, same, scale, zero } from './second/field.ts'
import { nameOf } from './second/opening.ts'
import { readJob, shapeOf } from './second/shape.ts'
import type { CommitmentVector, SumcheckVector, TranscriptVector } from './second/vectors.ts'
import { tinyJob } from './support.ts'

const folder = joinPath(import.meta.dirname, '../../docs/spec/vectors')

/** What the file holds; writes it first if that was asked for. */
function pinned<T>(name: string, made: T): T {
  const path = joinPath(folder, name)
  if (env.WAGGLE_WRITE_VECTORS === '1') writeFileSync(path, `${JSON.stringify(made)}\n`)
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** Field values without structure, from a number. */
function elementsOf(number: number, amount: number): Elements {
  const values = randomValues(15 * amount, number)
  return Uint32Array.from({ length: 5 * amount }, (_, i) => {
    const [a, b, c] = [0, 1, 2].map((j) => values[3 * i + j]! + 127)
    return ((a! << 16) + (b! << 8) + c!) * 119
  })
}

const list = (elements: Elements) =>
  Array.from({ length: elements.length / 5 }, (_, i) => [...at(elements, i)])
const big = (element: readonly number[]): E => element.map(BigInt)

describe('transcript', () => {
  const phases: readonly (readonly [PhaseName, readonly string[], readonly number[]])[] = [
    ['statement', ['version', 'job', 'chain', 'range', 'steps', 'worker', 'seed'], []],
    ['batch', ['rows', 'exponents'], []],
    [
      'commitments',
      ['before', 'after', 'mid', 'witness', 'excess', 'mode', 'saturated', 'losses'],
      [1, 1],
    ],
  ]
  const elementPhases: readonly (readonly [PhaseName, string, readonly number[]])[] = [
    ['root', 'root', [1]],
    ['layerEnd', 'values', [1]],
    ['leaves', 'claims', [1, 0]],
    ['productRound', 'round', [1]],
    ['productEnd', 'claims', [1]],
    ['reductionRound', 'round', [1]],
    ['reductionEnd', 'columns', [3]],
  ]
  const drawLabels: Readonly<Partial<Record<PhaseName, readonly string[]>>> = {
    commitments: ['alpha', 'beta'],
    root: ['lambda'],
    layerEnd: ['tau'],
    leaves: ['gamma', 'chunks'],
    productRound: ['sigma'],
    productEnd: ['gamma'],
    reductionRound: ['r'],
    reductionEnd: ['eta'],
  }

  function made(): TranscriptVector {
    const transcript = new Transcript()
    const steps: TranscriptVector[number][] = []
    const drawAll = (phase: PhaseName, amounts: readonly number[]) => {
      for (const [i, amount] of amounts.entries())
        steps.push({ draw: list(transcript.draw(drawLabels[phase]![i]!, amount)) })
    }
    for (const [phase, labels, draws] of phases) {
      transcript.enter(phase)
      for (const [i, label] of labels.entries()) {
        const data = Uint8Array.from({ length: 7 * i }, (_, j) => 16 * i + j)
        transcript.absorb(label, data)
        steps.push({ absorb: label, kind: 'bytes', data: toHex(data) })
      }
      drawAll(phase, draws)
    }
    for (const [i, [phase, label, draws]] of elementPhases.entries()) {
      const data = elementsOf(i, i + 1)
      transcript.enter(phase).absorbElements(label, data)
      steps.push({ absorb: label, kind: 'elements', data: list(data) })
      drawAll(phase, draws)
    }
    const rows = elementsOf(99, 2)
    transcript.enter('combinations').absorbElements('rows', rows)
    steps.push({ absorb: 'rows', kind: 'elements', data: list(rows) })
    const wanted = [
      { amount: 5, size: 2 ** 10 },
      { amount: 9, size: 16 },
    ]
    for (const [i, positions] of transcript.drawPositions('positions', wanted).entries())
      steps.push({ positions: [...positions], ...wanted[i]! })
    return steps
  }

  it('draws what the vector says, with either code', () => {
    const steps = pinned('transcript.json', made())
    assert.deepEqual(made(), steps)
    const chain = new Chain()
    for (const step of steps) {
      if ('draw' in step) assert.deepEqual(chain.draw(step.draw.length), step.draw.map(big))
      else if ('absorb' in step) {
        if (step.kind === 'bytes') chain.bytes(step.absorb, fromHex(step.data))
        else chain.elements(step.absorb, step.data.map(big))
      }
    }
    const queried = steps.flatMap((step) => ('positions' in step ? [step] : []))
    const sorted = queried.map(({ positions }) => [...new Set(positions)].toSorted((a, b) => a - b))
    assert.deepEqual(chain.positions(queried), sorted)
  })
})

describe('sumcheck', () => {
  const degree = 3
  const rounds = 4

  function made(): SumcheckVector {
    // 13 of 16 positions and 5 of 8: missing values are 0.
    const factors = [
      [elementsOf(11, 13), elementsOf(12, 13), elementsOf(13, 13)],
      [elementsOf(14, 5), elementsOf(15, 5)],
    ]
    const coefficients = elementsOf(16, 2)
    const challenges = elementsOf(17, rounds)
    const summands = factors.map((own, i) => vectorSummand(at(coefficients, i), own, [4, 3][i]!))
    let round = 0
    const proven = proveSums(referenceKernels, summands, rounds, degree, () =>
      at(challenges, round++),
    )
    const claim = Uint32Array.from(
      factors
        .map((own, i) => {
          const products = list(own[0]!).map((_, j) =>
            own.reduce((product, factor) => mul(product, big([...at(factor, j)])), [
              1n,
              0n,
              0n,
              0n,
              0n,
            ] as E),
          )
          return mul(big([...at(coefficients, i)]), add(zero, ...products))
        })
        .reduce((a, b) => add(a, b)),
      Number,
    )
    round = 0
    const end = followRounds(claim, proven.messages, degree, () => at(challenges, round++))
    return {
      degree,
      rounds,
      sums: factors.map((own, i) => ({
        coefficient: [...at(coefficients, i)],
        variables: [4, 3][i]!,
        factors: own.map(list),
      })),
      claim: [...claim],
      challenges: list(challenges),
      messages: list(proven.messages),
      endClaim: [...end.claim],
    }
  }

  it('ends at the product of the factors, with either code', () => {
    const vector = pinned('sumcheck.json', made())
    assert.deepEqual(made(), vector)
    const point = vector.challenges.map(big)
    let claim = big(vector.claim)
    for (let i = 0; i < rounds; i++)
      claim = roundAt(
        claim,
        vector.messages.slice(degree * i, degree * (i + 1)).map(big),
        point[i]!,
      )
    assert.deepEqual(claim, big(vector.endClaim))
    const half = powBase(2n, p - 2n)
    const ends = vector.sums.map(({ coefficient, factors, variables }) => {
      const weights = eqAll(point.slice(0, variables))
      const values = factors.map((factor) =>
        add(zero, ...factor.map((value, i) => mul(big(value), weights[i]!))),
      )
      const product = values.reduce((a, b) => mul(a, b), big(coefficient))
      return scale(product, half ** BigInt(rounds - variables))
    })
    assert.ok(same(add(zero, ...ends), claim))
  })
})

describe('commitment', () => {
  const positions = [1, 4, 5, 14]

  function made(): CommitmentVector {
    const job = tinyJob([3, 2, 2])
    const { layout, columns } = stateColumns(job, 0)
    const state = initialState(job, seedOf(5))
    const data = columns.map(({ role, layer }) => {
      const { width, inner, w, rho } = state.layers[layer - 1]!
      const values = Int32Array.from(role === 'w' ? w : rho)
      return { rows: width, cols: inner, stride: inner, values }
    })
    const placed = columns.map((column, i) => placeColumn(column, layout, i))
    const tree = commitColumns(placed, data, referenceKernels, true)
    const all = Array.from({ length: layout.code.length }, (_, i) => i)
    const rows = placed.reduce((sum, { codeRows }) => sum + codeRows, 0)
    const openedAt = (at: readonly number[]) => {
      const { columns: entries } = tree.open(at)
      return at.map((_, i) => [...entries.subarray(i * rows, (i + 1) * rows)])
    }
    const digests = openedAt(all).map((column) =>
      sha256(Uint8Array.of(0), words(column.map(BigInt))),
    )
    const { siblings } = tree.open(positions)
    return {
      job: toHex(encodeJob(job)),
      columns: data.map(({ values }) => [...values]),
      layout: {
        g: layout.groups,
        stride: layout.stride,
        strideBits: layout.strideBits,
        l: layout.code.width,
        N: layout.code.length,
        q: layout.queries,
      },
      leaves: digests.map(toHex),
      root: toHex(multiproofRoot(all, digests, [], Math.log2(layout.code.length))!),
      name: toHex(tree.digest),
      positions,
      opened: openedAt(positions),
      siblings: Array.from({ length: siblings.length / 32 }, (_, i) =>
        toHex(siblings.subarray(32 * i, 32 * (i + 1))),
      ),
    }
  }

  it('is encoded, hashed, named and opened as the vector says, with either code', () => {
    const vector = pinned('commitment.json', made())
    assert.deepEqual(made(), vector)
    const { classes } = shapeOf(readJob(fromHex(vector.job)), 0, false)
    const { layout, trees } = classes[0]!
    const { lowBits: _lowBits, ...numbers } = layout
    assert.deepEqual(numbers, vector.layout)
    const [before] = trees
    const depth = Math.log2(layout.N)
    const leaves = vector.leaves.map(fromHex)
    const siblings = vector.siblings.map(fromHex)
    const opened = vector.positions.map((position) => leaves[position]!)
    const root = multiproofRoot(vector.positions, opened, siblings, depth)
    assert.deepEqual(root, fromHex(vector.root))
    assert.equal(nameOf(layout, before!, root!), vector.name)
    // The words themselves: each row's message as a polynomial, at the root's power.
    const omega = powBase(31n, (p - 1n) / BigInt(layout.N))
    const messages = before!.columns.flatMap(({ rows, cols }, c) =>
      Array.from({ length: Math.ceil(rows / layout.g) }, (_, row) => {
        const message = Array.from({ length: layout.l }, () => 0n)
        for (let j = row * layout.g; j < Math.min(rows, (row + 1) * layout.g); j++)
          for (let k = 0; k < cols; k++)
            message[(j % layout.g) * layout.stride + k] = BigInt(vector.columns[c]![j * cols + k]!)
        return message
      }),
    )
    for (const [i, position] of vector.positions.entries()) {
      const x = powBase(omega, BigInt(position))
      const column = messages.map((message) =>
        message.reduceRight((sum, value) => (((sum * x + value) % p) + p) % p, 0n),
      )
      assert.deepEqual(column, vector.opened[i]!.map(BigInt))
      assert.deepEqual(sha256(Uint8Array.of(0), words(column)), leaves[position])
    }
  })
})
