import type { Hash } from '../../primitives/hash.ts'
import { cancelJob, nextJobNonce, totalFee } from '../../registry/jobBook.ts'
import { JobStatus, readJob } from '../../registry/jobRecord.ts'
import { basePriceOf } from '../../registry/prices.ts'
import { createDice, type Dice } from '../dice.ts'
import type { Cast, Scenario, Stage } from '../scenario.ts'
import { coin, ordinaryJob } from '../setting.ts'
import { mine } from './validator.ts'

const account = mine(1)
/** How much the luck of a seed moves a model's worth, in thousandths of what it cost (one deviation). */
const luck = 5
/** A seed worse than this many deviations is thrown away. */
const choosy = 0.5

/** Opens a job whenever it has none, and may look at the seed before the first lease is over. */
function customer(looks: boolean): Cast {
  return async ({ sim, workshop, seed }) => {
    sim.endow(account, 100_000n * coin)
    const dice = createDice('luck', seed)
    const running = { id: null as Hash | null, quality: 0, judged: false }
    sim.addActor((_, height) => act(sim, dice, running, looks, height))
    workshop.onSettled(({ id, job }, _fee, ended) => {
      if (id !== running.id || ended === null) return
      running.id = null
      if (ended === JobStatus.Cancelled) return
      const paid = totalFee(job, sim.params)
      const worth = (paid * BigInt(1_200 + Math.round(luck * running.quality))) / 1_000n
      sim.spend(account, -worth)
    })
    return [account]
  }
}

async function act(
  sim: Stage['sim'],
  dice: Dice,
  running: { id: Hash | null; quality: number; judged: boolean },
  looks: boolean,
  height: bigint,
) {
  const { world, params } = sim
  if (running.id === null) {
    const price = ((await basePriceOf(world, params)) * 3n) / 2n
    running.id = await sim.open(
      ordinaryJob(account, await nextJobNonce(world, account), price),
      height,
    )
    running.quality = dice.normal()
    running.judged = false
    return
  }
  const record = await readJob(world, running.id)
  if (record === null || record.state.status === JobStatus.Cancelled) running.id = null
  if (!looks || running.judged || record === null || BigInt(record.state.seed) === 0n) return
  running.judged = true
  if (running.quality < choosy) await cancelJob(world, params, record.id, account, height)
}

export const openLookCancel: Scenario = {
  name: 'open-look-cancel',
  about:
    'cancels jobs whose seed is unlucky and opens them again; the running lease is paid, 1 % of the rest and the open fee are lost, which is more than a seed is worth',
  adversary: customer(true),
  honest: customer(false),
}
