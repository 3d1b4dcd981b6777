/**
 * Planted bugs: copies of `consensus/` with one text replaced, imported beside the real one. The real
 * code has no switch; a mutation whose text is gone from it fails loudly.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Machine } from './scenario.ts'

export type Mutation = {
  readonly name: string
  /** In `consensus/`. */
  readonly file: string
  readonly text: string
  readonly by: string
}

const root = join(import.meta.dirname, '..', '..')
const beside = ['primitives', 'params', 'storage', 'registry', 'chain', 'node_modules']

/** Runs `use` on the mutated modules of `consensus/`, by file name. */
export async function withMutant<T>(
  { file, text, by }: Mutation,
  use: (load: <M>(file: string) => Promise<M>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-mutant-'))
  try {
    await cp(join(root, 'consensus'), join(folder, 'consensus'), { recursive: true })
    for (const name of [...beside, 'package.json'])
      await symlink(join(root, name), join(folder, name))
    const path = join(folder, 'consensus', file)
    const source = await readFile(path, 'utf8')
    if (source.split(text).length !== 2) throw new Error(`${file} has not just one: ${text}`)
    await writeFile(path, source.replace(text, by))
    const load = (name: string) =>
      import(/* @vite-ignore */ pathToFileURL(join(folder, 'consensus', name)).href)
    return await use(load)
  } finally {
    await rm(folder, { recursive: true })
  }
}

export function withMutantMachine<T>(
  mutation: Mutation,
  use: (machine: Machine) => T | Promise<T>,
): Promise<T> {
  return withMutant(mutation, async (load) => {
    const { startHeight, step } = await load<Machine>('machine.ts')
    const { replayHeight } = await load<Machine>('replay.ts')
    return use({ startHeight, step, replayHeight })
  })
}

/** Bugs that let two values be decided. */
export const forks: Readonly<Record<string, Mutation>> = {
  ignoresLockInL22: {
    name: 'forgets the lock when a new value is proposed (L22)',
    file: 'rules.ts',
    text: 'const free = state.locked === null || state.locked.value === value',
    by: 'const free = true',
  },
  ignoresLockInL28: {
    name: 'takes a proof of lock that is older than its own lock (L28)',
    file: 'rules.ts',
    text: 'const free = locked === null || locked.round <= validRound || locked.value === value',
    by: 'const free = true',
  },
  neverLocks: {
    name: 'never locks (L38)',
    file: 'rules.ts',
    text: '{ ...known, locked: claim }',
    by: 'known',
  },
  anyProof: {
    name: 'takes two thirds prevotes for whatever value as a proof of lock (L28)',
    file: 'rules.ts',
    text: 'if (!hasQuorum(tallyOf(state.votes, validRound, VoteKind.Prevote), value, state.rules.total))',
    by: 'if (!isQuorum(tallyOf(state.votes, validRound, VoteKind.Prevote).power, state.rules.total))',
  },
  noProof: {
    name: 'takes a value proposed again without its proof of lock (L28)',
    file: 'rules.ts',
    text: `  if (!hasQuorum(tallyOf(state.votes, validRound, VoteKind.Prevote), value, state.rules.total))
    return null
`,
    by: '',
  },
  countsHeads: {
    name: 'counts votes by heads',
    file: 'machine.ts',
    text: '    rules: heightRules,',
    by: `    rules: {
      ...heightRules,
      powers: heightRules.powers.map(() => 1n),
      total: BigInt(heightRules.powers.length),
    },`,
  },
  simpleMajority: {
    name: 'takes a half for two thirds',
    file: 'votes.ts',
    text: 'return 3n * power > 2n * total',
    by: 'return 2n * power >= total',
  },
  skipsReplayCheck: {
    name: 'does not compare the replayed log with the guard',
    file: 'replay.ts',
    text: 'if (last !== null && !explains(state, all, last))',
    by: 'if (rules.total < 0n && last !== null && !explains(state, all, last))',
  },
}

/** Bugs that leave honest nodes unable to decide. */
export const stalls: Readonly<Record<string, Mutation>> = {
  neverSkips: {
    name: 'does not follow a third of the power to a later round (L55)',
    file: 'rules.ts',
    text: '  skipRound,\n',
    by: '',
  },
  noRoom: {
    name: 'makes no room for a vote that a proof of lock needs',
    file: 'votes.ts',
    text: 'if (votes.length >= maxVotesEach && !sought)',
    by: 'if (votes.length >= maxVotesEach)',
  },
  neverLearns: {
    name: 'does not remember the valid value of a round (L42)',
    file: 'rules.ts',
    text: 'valid: claim, ',
    by: '',
  },
}
