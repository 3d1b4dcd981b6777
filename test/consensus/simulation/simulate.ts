/**
 * Run a plan: trouble until it heals, then silence of the fates. Honest nodes must never disagree, and
 * after the heal they must go on.
 */
import type { Hash } from '../../../primitives/hash.ts'
import { createSimNode, type SimNode } from './node.ts'
import type { Plan } from './plan.ts'
import { createWorld } from './world.ts'

export type Outcome = {
  /** Whether the goal was reached before the limit. */
  readonly live: boolean
  /** Heights decided by every honest, living node. */
  readonly height: number
  /** Virtual milliseconds from the heal to the goal. */
  readonly recovery: number
  readonly highestRound: number
  readonly restarts: number
  readonly abstentions: number
  /** Places that honest nodes convicted of voting twice. */
  readonly convicted: ReadonlySet<number>
}

const statusEvery = 1_000

/**
 * @param heights - to be decided by everybody after the heal.
 * @param limit - virtual milliseconds after the heal.
 * @throws {Error} naming the seed, if two honest nodes decide differently.
 */
export function simulate(plan: Plan, heights: number, limit: number): Outcome {
  const agreed = new Map<bigint, Hash>()
  const convicted = new Set<number>()
  let restarts = 0
  let abstentions = 0
  let highestRound = 0

  const world = createWorld(plan, (from, to, message) => {
    if (nodes[to]!.isUp()) nodes[to]!.receive(from, message)
  })
  const witness = {
    onDecision: ({ place }: SimNode, height: bigint, value: Hash) => {
      if (plan.liars.includes(place)) return
      if ((agreed.get(height) ?? value) !== value)
        throw new Error(`seed ${plan.seed}: two values at height ${height}`)
      agreed.set(height, value)
    },
    onEvidence: (_: number, culprit: number) => convicted.add(culprit),
    onRound: (round: number) => {
      highestRound = Math.max(highestRound, round)
    },
    onAbstention: () => {
      abstentions++
    },
  }
  const nodes = plan.powers.map((_, place) => createSimNode(world, witness, place))
  const living = nodes.filter(({ place }) => !plan.dead.includes(place))
  const honest = living.filter(({ place }) => !plan.liars.includes(place))

  function repeat(node: SimNode): void {
    if (node.isUp()) node.tellStatus()
    world.later(statusEvery, () => repeat(node))
  }

  function makeTrouble(): void {
    if (world.healed()) return
    world.drawTrouble()
    const victim = living[world.below(living.length)]!
    if (plan.restarts && victim.isUp() && world.chance(0.3)) {
      restarts++
      victim.crash()
      world.later(world.below(4_000), victim.start)
    }
    world.later(plan.troubleEvery, makeTrouble)
  }

  for (const node of living) {
    world.later(world.below(300), node.start)
    world.later(world.below(statusEvery), () => repeat(node))
  }
  world.later(500, makeTrouble)

  const least = () => Math.min(...honest.map(({ decided }) => decided.size))
  while (!world.healed()) world.advance()
  const goal = least() + heights
  while (least() < goal && world.now() < plan.healAt + limit) world.advance()
  return {
    live: least() >= goal,
    height: least(),
    recovery: world.now() - plan.healAt,
    highestRound,
    restarts,
    abstentions,
    convicted,
  }
}
