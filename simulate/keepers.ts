/**
 * Those who keep rows and weights: a challenge is answered at once by who has what is asked for, and
 * passes where its keeper does not.
 */
import { payAnswer, readChallenge } from '../registry/challenges.ts'
import { custodyCost, gasCost } from './setting.ts'
import type { Actor, Simulation } from './simulation.ts'

export function createKeepers({ world, params, members, spend }: Simulation): Actor {
  return async (_, height) => {
    if (height % BigInt(params.challengeInterval) !== 0n) return
    const challenge = await readChallenge(world, params, height)
    if (challenge?.status !== 'open' || !members.get(challenge.keeper)!.conduct.keeps) return
    await payAnswer(world, params, challenge)
    spend(challenge.keeper, gasCost + custodyCost)
  }
}
