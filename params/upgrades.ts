/**
 * Rule changes by height: which parameters a block is judged by.
 *
 * An upgrade may change the parameters that concern one block alone. What programs, peers and records
 * hold on to for longer (bounds of messages, timeouts, stakes) is fixed for the life of a chain; a
 * change of code comes with a new protocol version.
 */
import { type ChainParams, chainParamsSchema } from './chainParams.ts'

/** What an upgrade may change; any other field is refused. */
export const changedParamsSchema = chainParamsSchema
  .pick({ blockGasLimit: true, reputationShift: true })
  .partial()
  .strict()

type Upgrade = {
  readonly height: number
  readonly params?: { readonly [K in keyof ChainParams]?: ChainParams[K] | undefined } | undefined
}

/** The parameters of a block by its height. */
export type ParamsAt = (height: bigint) => ChainParams

/** @param upgrades - ascending by height, the first at 0. */
export function paramsByHeight(params: ChainParams, upgrades: readonly Upgrade[]): ParamsAt {
  const versions: { readonly height: bigint; readonly params: ChainParams }[] = []
  for (const { height, params: changes } of upgrades) {
    const before = versions.at(-1)?.params ?? params
    versions.push({ height: BigInt(height), params: { ...before, ...changes } as ChainParams })
  }
  return (height) => versions.findLast((version) => version.height <= height)?.params ?? params
}
