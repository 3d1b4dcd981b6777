/**
 * What stopped nodes know of one height: the votes in their logs and the commits in their databases. From
 * all of them together the forensic code names who forked the chain.
 */
import { join } from 'node:path'
import { createChain } from '../chain/chain.ts'
import { type Commit, decodeCommit } from '../chain/commit.ts'
import { type Electorate, electorateOf } from '../consensus/electorate.ts'
import {
  type Blame,
  blameFor,
  commitsIn,
  type ForensicFault,
  votesInLog,
} from '../consensus/forensics.ts'
import type { Vote } from '../consensus/messages.ts'
import { readInputs } from '../consensus/wal.ts'
import type { Genesis } from '../params/genesis.ts'
import { describeFault, type Result, refuse } from '../primitives/result.ts'
import { openLevel } from '../storage/level.ts'
import { chainRules } from './rules.ts'

/** What one data folder says of a height. */
export type Testimony = {
  readonly votes: readonly Vote[]
  readonly commit: Commit | null
  /** Null if its chain does not reach the epoch. */
  readonly electorate: Electorate | null
}

/**
 * Read a stopped node's data folder.
 *
 * @throws {Error} if its database is in use or its log is damaged; the message names the folder.
 */
export async function readTestimony(
  dataDir: string,
  genesis: Genesis,
  height: bigint,
): Promise<Testimony> {
  const inputs = await readInputs(join(dataDir, 'wal'), height)
  if (!inputs.ok) throw new Error(`${dataDir}: the log is damaged: ${describeFault(inputs.fault)}`)
  const store = await openLevel(join(dataDir, 'chain'))
  try {
    const chain = await createChain(store, genesis, await chainRules(genesis))
    const set = await chain.setAt(height)
    const bytes = await chain.commitAt(height)
    const commit = bytes === null ? null : decodeCommit(bytes)
    return {
      votes: votesInLog(inputs.value),
      commit: commit?.ok ? commit.value : null,
      electorate: set && electorateOf(genesis.chainId, height, set, genesis.params),
    }
  } finally {
    await store.close()
  }
}

export type QuarrelFault =
  | ForensicFault
  /** None of the nodes knows the set of the height. */
  | { readonly code: 'forensics/noSet' }
  /** All that is known leads to one value at most. */
  | { readonly code: 'forensics/agreed'; readonly values: number }

/** Who is to blame for two commits, from what all nodes together know. */
export function judgeQuarrel(
  testimonies: readonly Testimony[],
): Result<Blame & { readonly electorate: Electorate }, QuarrelFault> {
  const electorate = testimonies.find((one) => one.electorate !== null)?.electorate ?? null
  if (electorate === null) return refuse({ code: 'forensics/noSet' })
  const votes = testimonies.flatMap((one) => one.votes)
  const stored = testimonies.flatMap(({ commit }) => commit ?? [])
  const byValue = new Map(
    [...commitsIn(electorate, votes), ...stored].map((commit) => [commit.envelopeHash, commit]),
  )
  const [first, second] = byValue.values()
  if (first === undefined || second === undefined)
    return refuse({ code: 'forensics/agreed', values: byValue.size })
  const blame = blameFor(electorate, [first, second], votes)
  return blame.ok ? { ok: true, value: { ...blame.value, electorate } } : blame
}
