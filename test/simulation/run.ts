/**
 * Run a plan over whole nodes: clients send transfers through trouble, crashes and a liar; then all
 * heals. Invariants are checked after every event.
 */
import { type Account, openAccount } from '../../node/account.ts'
import { devnetKeys } from '../../node/keysDevnet.ts'
import { chainRules } from '../../node/rules.ts'
import type { Genesis } from '../../params/genesis.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { fromHex } from '../../primitives/bytes.ts'
import type { Hash } from '../../primitives/hash.ts'
import { readStake } from '../../registry/stakes.ts'
import { certifyLease } from './holder.ts'
import { createLiar, type Liar } from './liar.ts'
import { createSimNode, type SimNode } from './node.ts'
import type { Plan } from './plan.ts'
import { createWitness, type Tally, type Witness } from './witness.ts'
import { createWorkshop, type Workshop } from './workshop.ts'
import { createWorld, type World } from './world.ts'

export type Outcome = Tally & {
  /** Of the last block that all honest nodes have. */
  readonly height: bigint
  readonly head: Hash
  readonly crashes: number
  /** Virtual milliseconds from the heal to the goal. */
  readonly recoveryMs: number
  /** What the liar has said that an honest node would not have; silence does not count. */
  readonly lies: number
  /** Certificates in the chain, every one of work that was done. */
  readonly certified: number
  /** Whether the chain has jailed the liar. */
  readonly jailed: boolean
}

/** Of the first account that development tools fund; it is in the committed genesis. */
const clientKey = fromHex('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80')

const limitMs = 240_000
/** Blocks that all must have beyond the heal. */
const blocksAfter = 2n

/** What the parts of a run share. */
type Run = {
  readonly plan: Plan
  readonly genesis: Genesis
  readonly world: World
  readonly workshop: Workshop
  readonly liar: Liar | null
  readonly witness: Witness
  readonly nodes: readonly SimNode[]
  readonly honest: readonly SimNode[]
  /** Told of what fails in the background. */
  readonly live: (action: Promise<unknown>) => void
}

/**
 * @throws {Error} with the command that replays the run, the moment an invariant breaks: one value at a
 * height, none that breaks a rule, no certificate of work not done, nobody honest convicted or voting twice, no node stopped; after the
 * heal everybody goes on, and every transfer is in the chain, once.
 */
export async function simulateChains(plan: Plan, genesis: Genesis): Promise<Outcome> {
  const run = await prepare(plan, genesis)
  const { world, witness, nodes, honest } = run
  for (const node of nodes) await node.start()
  const client = openAccount(clientKey)
  const trouble = startTrouble(run)
  startWork(run)
  for (let nonce = 0; nonce < plan.transfers; nonce++)
    world.later(world.below(plan.healAt), () => run.live(transfer(run, client, BigInt(nonce))))
  await untilDone(run, client.address)
  const height = leastOf(honest)
  const certified = await certifiedIn(run, height)
  witness.check()
  return {
    ...witness.tally(),
    height,
    head: (await honest[0]!.parts().chain.blockAt(height))!.hash,
    crashes: trouble.crashes(),
    certified,
    recoveryMs: world.now() - plan.healAt,
    lies: run.liar?.lies() ?? 0,
    jailed: plan.liar !== null && (await isJailed(honest[0]!, devnetKeys(plan.liar).address)),
  }
}

async function prepare(plan: Plan, genesis: Genesis): Promise<Run> {
  const rules = await chainRules(genesis)
  const world = createWorld(plan)
  const places = Array.from({ length: plan.validators }, (_, place) => place)
  const workshop = createWorkshop(places.map(devnetKeys))
  const liar =
    plan.liar === null
      ? null
      : createLiar(
          world,
          plan.strategy,
          genesis.chainId,
          plan.liar,
          devnetKeys(plan.liar),
          workshop,
        )
  // Members of a set stand in the order of their addresses.
  const members = places.map((place) => devnetKeys(place).address).toSorted(byText)
  const liarIndex = plan.liar === null ? -1 : members.indexOf(devnetKeys(plan.liar).address)
  const witness = createWitness(
    plan,
    (index) => index === liarIndex,
    (value) => liar?.bad.has(value) ?? false,
  )
  const nodes: readonly SimNode[] = places.map((place) =>
    createSimNode({
      place,
      places,
      genesis,
      rules,
      keys: devnetKeys(place),
      verify: workshop.verify,
      clock: world.clockOf(world.below(400) - 200, world.below(41)),
      say: (to, lane, bytes) => {
        const dishonest = place === plan.liar
        if (!dishonest && lane === 'consensus') witness.heard(place, bytes)
        const told = dishonest ? liar!.twist(to, lane, bytes) : bytes
        if (told !== null)
          world.carry(place, to, () => {
            if (to === plan.liar && lane === 'consensus') liar!.hear(told)
            if (nodes[to]!.isUp()) nodes[to]!.receive(place, lane, told)
          })
      },
      spoil: place === plan.liar ? liar!.spoil : (envelope) => envelope,
      onCommit: (height, hash) => witness.committed(place, height, hash),
      onEvidence: witness.found,
      onEvent: (event) => witness.event(place, event),
      report: (error) => witness.failed(place, error),
    }),
  )
  const honest = nodes.filter(({ place }) => place !== plan.liar)
  const live = (action: Promise<unknown>) => {
    action.catch((error) => witness.blame(`${error}`))
  }
  return { plan, genesis, world, workshop, liar, witness, nodes, honest, live }
}

/** Cuts, losses and crashes of honest nodes until the heal. */
function startTrouble({ plan, world, honest, live }: Run) {
  let crashes = 0
  function makeTrouble(): void {
    if (world.healed()) return
    world.drawTrouble()
    const victim = honest[world.below(honest.length)]!
    if (plan.crashes && victim.isUp() && world.chance(0.35)) {
      crashes++
      victim.crash((unsynced) => world.below(unsynced + 1))
      world.later(world.below(3_000), () => live(victim.start()))
    }
    world.later(plan.troubleEveryMs, makeTrouble)
  }
  world.later(500, makeTrouble)
  return { crashes: () => crashes }
}

/** Everybody looks after its leases once a second; whoever lies about them does so in its own way. */
function startWork({ plan, world, workshop, liar, nodes, live }: Run): void {
  const lies = plan.strategy === 'certificates'
  const act = () => {
    for (const node of nodes) {
      if (!node.isUp()) continue
      if (lies && node.place === plan.liar) live(liar!.claim(node))
      else live(certifyLease(node, devnetKeys(node.place), workshop))
    }
    world.later(1_000, act)
  }
  world.later(1_000, act)
}

/** A client's transaction: to a node of its choice, and to another one while it is not in the chain. */
async function transfer(run: Run, client: Account, nonce: bigint): Promise<void> {
  const { genesis, world, honest, live } = run
  const bytes = await client.sign({
    chainId: genesis.chainId,
    nonce,
    to: client.address,
    data: '0x',
    gas: 21_000n,
    maxFeePerGas: 100_000_000_000n,
    maxPriorityFeePerGas: 1_000_000_000n,
  })
  const insist = async () => {
    const node = honest[world.below(honest.length)]!
    world.later(4_000, () => live(insist()))
    if (node.isUp() && (await nonceOf(node, client.address)) <= nonce)
      await node.parts().transactions.add(bytes)
  }
  await insist()
}

async function untilDone({ plan, world, witness, honest }: Run, client: Address): Promise<void> {
  let goal: bigint | null = null
  for (let events = 0; ; events++) {
    await world.advance()
    if (world.now() > plan.healAt + limitMs) witness.blame('no progress')
    witness.check()
    const up = honest.find(({ isUp }) => isUp())
    if (!world.healed() || events % 20 !== 0 || up === undefined) continue
    const aim = leastOf(honest) + blocksAfter
    goal ??= aim > plan.height ? aim : plan.height
    const paid = await nonceOf(up, client)
    if (leastOf(honest) >= goal && paid === BigInt(plan.transfers)) return
  }
}

function leastOf(nodes: readonly SimNode[]): bigint {
  const heads = nodes.map((node) => (node.isUp() ? node.parts().chain.head().height : 0n))
  return heads.reduce((a, b) => (a < b ? a : b))
}

async function nonceOf(node: SimNode, address: Address): Promise<bigint> {
  const { chain } = node.parts()
  return (await (await chain.readAt(chain.head().height))!.account(address)).nonce
}

async function isJailed(node: SimNode, address: Address): Promise<boolean> {
  const { chain } = node.parts()
  const reader = (await chain.readAt(chain.head().height))!
  return ((await readStake(reader.world, address))?.jailedSince ?? 0n) > 0n
}

/** Certificates up to `height`. Blames blocks that are not the same everywhere, and false certificates. */
async function certifiedIn({ honest, workshop, witness }: Run, height: bigint): Promise<number> {
  let certified = 0
  for (let at = 1n; at <= height; at++) {
    const blocks = await Promise.all(honest.map((node) => node.parts().chain.blockAt(at)))
    if (blocks.some((stored) => stored!.hash !== blocks[0]!.hash))
      witness.blame(`different blocks at ${at}`)
    for (const { to, data } of blocks[0]!.block.transactions) {
      if (to?.toString() !== moduleAddresses.jobs) continue
      if (!workshop.isTrue(data)) witness.blame(`a false certificate in block ${at}`)
      certified++
    }
  }
  return certified
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}
