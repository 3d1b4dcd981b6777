import { ableFor, drawHolder } from '../../registry/schedule.ts'
import { honest } from '../conduct.ts'
import type { Scenario } from '../scenario.ts'
import { stakeGwei } from '../setting.ts'
import type { Simulation } from '../simulation.ts'
import { honestValidator, me } from './validator.ts'

export const seedGrinder: Scenario = {
  name: 'seed-grinder',
  about:
    "withholds its block where its own reveal would give a lease to another, so that the next proposer's is drawn; it loses the block's part and, slot by slot, its reputation",
  adversary: async ({ sim, workshop }) => {
    const wins = async (at: Simulation, height: bigint) => {
      const beacon = at.beaconOf(height, me)
      const set = await at.setAt(height)
      return workshop
        .drawnBy(height)
        .some(
          ({ id, job, state }) => drawHolder(beacon, id, state.range, 0, ableFor(job, set)) === me,
        )
    }
    const proposes = async (at: Simulation, height: bigint) =>
      workshop.drawnBy(height).length === 0 || wins(at, height)
    await sim.addValidator(me, stakeGwei, { ...honest, proposes })
    return [me]
  },
  honest: honestValidator,
}
