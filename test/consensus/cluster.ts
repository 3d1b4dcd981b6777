/**
 * Real drivers with real keys, logs and guards on a network in memory, for tests.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDriver } from '../../consensus/driver.ts'
import type { Driver, DriverModules } from '../../consensus/driverModules.ts'
import { openSigner } from '../../consensus/signer.ts'
import { createWal } from '../../consensus/wal.ts'
import type { Clock } from '../../primitives/clock.ts'
import type { ValidatorSet } from '../../registry/validatorSet.ts'
import {
  chainId,
  createHub,
  createToyChain,
  fastClock,
  type Hub,
  secretKeyOf,
  type ToyChain,
  toyModules,
} from './fixtures.ts'

export type Member = {
  readonly name: string
  /** What the disk holds: survives restarts. */
  readonly folder: string
  readonly chain: ToyChain
  driver: Driver | null
}

export type Cluster = {
  readonly clock: Clock
  readonly hub: Hub
  readonly members: readonly Member[]
  /** Start a member, again after {@link Cluster.stop}; `changes` replace modules. */
  readonly start: (index: number, changes?: Partial<DriverModules>) => Promise<void>
  readonly stop: (index: number) => Promise<void>
  readonly close: () => Promise<void>
}

/**
 * @param extra - members without a key in the set, who follow.
 * @param speed - of the clock, relative to the wall's.
 */
export async function createCluster(set: ValidatorSet, extra = 0, speed = 8): Promise<Cluster> {
  const clock = fastClock(speed)
  const hub = createHub()
  const root = await mkdtemp(join(tmpdir(), 'waggle-cluster-'))
  const count = set.validators.length + extra
  const members = Array.from(
    { length: count },
    (_, i): Member => ({
      name: `n${i}`,
      folder: join(root, `n${i}`),
      chain: createToyChain(clock),
      driver: null,
    }),
  )

  async function start(index: number, changes: Partial<DriverModules> = {}): Promise<void> {
    const member = members[index]!
    const guard = join(member.folder, 'last-signed')
    const signer =
      index < set.validators.length
        ? await openSigner(guard, secretKeyOf(index), chainId)
        : { ok: true as const, value: null }
    if (!signer.ok) throw new Error(signer.fault.code)
    const modules: DriverModules = {
      ...toyModules(clock, member.chain, set, hub.join(member.name)),
      signer: signer.value,
      wal: createWal(join(member.folder, 'wal')),
      ...changes,
    }
    member.driver = createDriver({}, modules)
    await member.driver.start()
  }

  async function stop(index: number): Promise<void> {
    const member = members[index]!
    hub.leave(member.name)
    await member.driver?.stop()
    member.driver = null
  }

  return {
    clock,
    hub,
    members,
    start,
    stop,
    close: async () => {
      await Promise.all(members.map((_, index) => stop(index)))
      await rm(root, { recursive: true, force: true })
    },
  }
}
