import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { packagedGenesis } from '../../cli/dataDir.ts'
import { devnetGenesis } from '../../cli/devnetGenesis.ts'
import { type Vote, VoteKind } from '../../consensus/messages.ts'
import { createWal } from '../../consensus/wal.ts'
import { checksumAddress } from '../../primitives/address.ts'
import { hashOf } from '../../primitives/hash.ts'
import type { ValidatorSet } from '../../registry/validatorSet.ts'
import { keysOf, openSealedChain, sealedGenesis, signVote } from '../node/sealedChain.ts'
import { jsonOf, waggle } from './support.ts'

const genesis = sealedGenesis(4)
const [a, b] = [hashOf('a'), hashOf('b')]
let root: string
let set: ValidatorSet

function votesFor(kind: VoteKind, hash: typeof a, members: readonly number[]): readonly Vote[] {
  return members.map((index) => {
    const keys = keysOf(set.validators[index]!.address)
    return signVote(genesis, keys, set, { kind, height: 1n, round: 0, hash, index })
  })
}

/** A data folder whose log of height 1 holds these votes. */
async function folderOf(name: string, votes: readonly Vote[]): Promise<string> {
  const folder = join(root, name)
  await mkdir(folder)
  const text = devnetGenesis(await readFile(packagedGenesis, 'utf8'), 4, { firstJob: false })
  await writeFile(join(folder, 'genesis.json'), text)
  const wal = createWal(join(folder, 'wal'))
  await wal.open(1n)
  for (const vote of votes) wal.appendInput({ type: 'vote', vote })
  await wal.close()
  return folder
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'waggle-forensics-'))
  const { chain } = await openSealedChain(genesis)
  set = (await chain.setAt(1n))!
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('waggle forensics', () => {
  it('names who signed both sides of a fork, from logs that each saw one', async () => {
    const left = await folderOf('left', votesFor(VoteKind.Precommit, a, [0, 1, 2]))
    const right = await folderOf('right', votesFor(VoteKind.Precommit, b, [1, 2, 3]))
    const guilty = [1, 2].map((index) => set.validators[index]!.address)
    const told = jsonOf(await waggle(['forensics', '--height', '1', left, right, '--json']))
    assert.equal(told.offence, 'equivocation')
    assert.deepEqual(told.culprits, guilty)
    const shown = await waggle(['forensics', '--height', '1', left, right])
    for (const address of guilty) assert.ok(shown.out.includes(checksumAddress(address)))
  })

  it('blames nobody without a fork, and says what it could not read', async () => {
    const calm = await folderOf('calm', votesFor(VoteKind.Precommit, a, [0, 1, 2]))
    const agreed = await waggle(['forensics', '--height', '1', calm])
    assert.equal(agreed.code, 1)
    assert.match(agreed.err, /forensics\/agreed/)
    const missing = await waggle(['forensics', '--height', '1', join(root, 'nowhere')])
    assert.match(missing.err, /cannot read/)
    const none = await waggle(['forensics', calm])
    assert.equal(none.code, 2)
  })
})
