/**
 * Which plans of twins are run: for four nodes all, up to renaming; for seven as many as are wanted.
 */
import { SeededRandom } from '../../primitives/random.ts'
import { nameOf } from '../consensus/fixtures.ts'
import type { TwinPlan, TwinRound } from './twins.ts'

/** Nodes 0 to 2 are honest, 3 runs twice: instances 3 and 4. */
const honestOrders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
]
const renamings = honestOrders.flatMap((order) => [
  [...order, 3, 4],
  [...order, 4, 3],
])

/** Sides of five instances (instance 0 is on side 0), four leaders, precommits cut or not. */
const roundCount = 16 * 4 * 2

/** `bits` 0 to 3: sides of instances 1 to 4; then the leader, then the cut. */
function roundAt(code: number): TwinRound {
  const sides = [0, code & 1, (code >> 1) & 1, (code >> 2) & 1, (code >> 3) & 1]
  return { sides, leader: (code >> 4) & 3, cut: code >= 64 }
}

function codeOf({ sides, leader, cut }: TwinRound): number {
  const side = (i: number) => sides[i]! ^ sides[0]!
  const split = side(1) | (side(2) << 1) | (side(3) << 2) | (side(4) << 3)
  return split | (leader << 4) | (cut ? 64 : 0)
}

/** By renaming and code of a round, the code it has under that renaming. */
const renamed = renamings.map((names) =>
  Array.from({ length: roundCount }, (_, code) => {
    const { sides, leader, cut } = roundAt(code)
    const moved = names.map((_, instance) => sides[names.indexOf(instance)]!)
    return codeOf({ sides: moved, leader: names[leader]! === 4 ? 3 : names[leader]!, cut })
  }),
)

/**
 * Every plan of `rounds` rounds for four nodes, one of each set that differs in names only.
 *
 * @param every - looks at one plan of so many.
 */
export function* plansOfFour(rounds: number, every: number): Generator<TwinPlan> {
  const count = roundCount ** rounds
  for (let number = 0; number < count; number += every) {
    const codes = Array.from(
      { length: rounds },
      (_, i) => Math.floor(number / roundCount ** (rounds - 1 - i)) % roundCount,
    )
    if (isFirst(codes)) yield { nodes: 4, twins: [3], rounds: codes.map(roundAt) }
  }
}

/** Whether no renaming of it comes earlier. */
function isFirst(codes: readonly number[]): boolean {
  return renamed.every((table) => {
    const at = codes.findIndex((code) => table[code] !== code)
    return at === -1 || table[codes[at]!]! > codes[at]!
  })
}

/** Seven nodes, two of them twice, four rounds. */
export function planOfSeven(seed: number): TwinPlan {
  const random = new SeededRandom('twins', nameOf(`seed ${seed}`))
  const round = (): TwinRound => {
    const parts = 2 + random.below(2)
    return {
      leader: random.below(7),
      sides: Array.from({ length: 9 }, () => random.below(parts)),
      cut: random.below(3) === 0,
    }
  }
  return { nodes: 7, twins: [5, 6], rounds: Array.from({ length: 4 }, round) }
}
