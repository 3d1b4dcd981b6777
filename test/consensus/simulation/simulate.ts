/**
 * Run a plan: trouble until it heals, then silence of the fates. Honest nodes must never disagree, and
 * after the heal they must go on.
 */
import type { Vote } from '../../../consensus/messages.ts'
import type { Hash } from '../../../primitives/hash.ts'
import { createSimNode, type SimNode } from './node.ts'
import type { Plan } from './plan.ts'
import { createWorld, type Proof } from './world.ts'

export type Outcome = {
  /** Whether the goal was reached before the limit. */
  readonly live: boolean
  /** Heights decided by every honest, living node. */
  readonly height: number
  /** Virtual milliseconds from the heal to the goal. */
  readonly recovery: number
  readonly highestRound: number
  /** The greatest round of a node when it healed. */
  readonly roundAtHeal: number
  readonly restarts: number
  readonly abstentions: number
  /** Places that honest nodes convicted of voting twice. */
  readonly convicted: ReadonlySet<number>
  /** What liars have said or kept back that an honest node would not have. */
  readonly lies: number
  /** Two commits of one height; only where liars have enough power and a fork is allowed. */
  readonly fork: Fork | null
  /** The votes in the logs of honest nodes, kept where a fork is allowed. */
  readonly log: readonly Vote[]
}

export type Fork = { readonly height: bigint; readonly proofs: readonly [Proof, Proof] }

const statusEvery = 1_000

/**
 * @param heights - to be decided by everybody after the heal.
 * @param limit - virtual milliseconds after the heal.
 * @param mayFork - liars may have a third of the power or more; the run ends with a fork.
 * @throws {Error} with the command that replays the run, the moment an invariant breaks: agreement,
 * validity, nobody honest convicted, no honest node voting twice.
 */
export function simulate(plan: Plan, heights: number, limit: number, mayFork = false): Outcome {
  const fail = (why: string): never => {
    throw new Error(
      `seed ${plan.seed}: ${why}; replay with WAGGLE_SEED=${plan.seed} npx vitest run test/consensus/simulation.test.ts`,
    )
  }

  const agreed = new Map<bigint, Proof>()
  const cast = new Map<string, Hash | null>()
  const log: Vote[] = []
  let fork: Fork | null = null
  const convicted = new Set<number>()
  let restarts = 0
  let abstentions = 0
  let lies = 0
  let highestRound = 0

  const world = createWorld(plan, (from, to, message) => {
    if (nodes[to]!.isUp()) nodes[to]!.receive(from, message)
  })
  const witness = {
    onDecision: ({ place }: SimNode, height: bigint, proof: Proof) => {
      if (plan.liars.includes(place)) return
      const other = agreed.get(height) ?? proof
      if (other.value !== proof.value) fork ??= { height, proofs: [other, proof] }
      if (fork !== null && !mayFork) fail(`two values at height ${height}`)
      if (world.bad.has(proof.value)) fail(`a bad value at height ${height}`)
      agreed.set(height, other)
    },
    onEvidence: (_: number, culprit: number) => {
      if (!plan.liars.includes(culprit)) fail(`${culprit} is honest and convicted`)
      convicted.add(culprit)
    },
    onVote: ({ place }: SimNode, vote: Vote) => {
      if (mayFork && !plan.liars.includes(place)) log.push(vote)
    },
    onCast: (vote: Vote) => {
      const at = `${vote.index} ${vote.height} ${vote.round} ${vote.kind}`
      if (cast.has(at) && cast.get(at) !== vote.hash) fail(`${at}: two votes of an honest node`)
      cast.set(at, vote.hash)
    },
    onRound: (round: number) => {
      highestRound = Math.max(highestRound, round)
    },
    onAbstention: () => {
      abstentions++
    },
    onLie: () => {
      lies++
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
  while (!world.healed() && fork === null) world.advance()
  const goal = least() + heights
  const roundAtHeal = Math.max(...living.map((node) => node.round()))
  while (least() < goal && world.now() < plan.healAt + limit && fork === null) world.advance()
  return {
    live: least() >= goal,
    height: least(),
    recovery: world.now() - plan.healAt,
    highestRound,
    roundAtHeal,
    restarts,
    abstentions,
    convicted,
    lies,
    fork,
    log,
  }
}
