/**
 * Forgetting old states as blocks come: a node keeps the states of its newest blocks, an archive keeps
 * all.
 */
import type { Chain } from '../chain/chain.ts'
import type { Service } from './lifecycle.ts'
import type { Logger } from './logger.ts'
import { breathe } from './turns.ts'

export type PrunerModules = { readonly chain: Chain; readonly log: Logger }

/** @param keep - states of the newest blocks to keep, at least 1; null keeps all. */
export function createPruner(keep: number | null, { chain, log }: PrunerModules): Service {
  let running: Promise<void> | null = null
  let stopped = false
  let release = () => {}

  /** One sweep reads every kept node, so it waits until there is half as much to forget. */
  function look(states: number): void {
    const floor = chain.head().height - BigInt(states) + 1n
    const enough = BigInt(Math.ceil(states / 2))
    if (stopped || running !== null || floor - chain.stateFloor() < enough) return
    running = sweep(floor).finally(() => {
      running = null
    })
  }

  async function sweep(floor: bigint): Promise<void> {
    try {
      const swept = await chain.prune(floor, async () => {
        await breathe()
        return stopped
      })
      if (swept !== null) log.info({ floor: floor.toString(), ...swept }, 'old states forgotten')
    } catch (error) {
      log.error({ err: error }, 'old states could not be forgotten')
    }
  }

  return {
    name: 'the pruner',
    start: async () => {
      if (keep === null) return
      release = chain.onHead(() => look(keep))
      look(keep)
    },
    stop: async () => {
      stopped = true
      release()
      await running
    },
  }
}
