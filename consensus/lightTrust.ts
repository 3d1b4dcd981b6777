/**
 * Beginning at genesis: the sets that `genesis.json` makes, for a light client that trusts the file. They
 * act in epochs 0 and 1. Costs no Ethereum state: the registry's own rules run on records in memory.
 */
import type { Genesis } from '../params/genesis.ts'
import { zeroHash } from '../primitives/hash.ts'
import { validatorSetAt } from '../registry/epochSets.ts'
import { writeGenesisRecords } from '../registry/genesisRecords.ts'
import type { Records, World } from '../registry/records.ts'
import type { Trusted } from './lightClient.ts'

/**
 * Block 0 as a light client trusts it. Its roots and hash are left zero: only blocks after it are shown
 * to anybody.
 *
 * @throws {Error} if the genesis cannot be; the message says why.
 */
export async function trustGenesis(genesis: Genesis): Promise<Trusted> {
  const world = memoryWorld()
  await writeGenesisRecords(world, { ...genesis, firstJob: null })
  const current = await validatorSetAt(world, 0)
  const next = await validatorSetAt(world, 1)
  const time = BigInt(genesis.timestamp)
  const roots = { hash: zeroHash, stateRoot: zeroHash, receiptsRoot: zeroHash }
  return { height: 0n, ...roots, time, current, next }
}

/** Records without an account behind them, and a purse without coin. */
function memoryWorld(): World {
  const records = (): Records => {
    const words = new Map<bigint, bigint>()
    return {
      get: async (slot) => words.get(slot) ?? 0n,
      put: async (slot, value) => {
        words.set(slot, value)
      },
    }
  }
  return {
    staking: records(),
    registry: records(),
    jobs: records(),
    reputation: records(),
    treasury: records(),
    purse: { balance: async () => 0n, transfer: async () => {}, burn: async () => {} },
  }
}
