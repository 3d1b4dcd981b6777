/**
 * The public test chain, imported as `waggle import` does.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ForeignChain, importChain } from '../../chain/foreign/foreignChain.ts'

/** All vectors if they lie beside the repository, else the part that is kept here. */
const shared = join(import.meta.dirname, '../../../shared/vectors/execution-apis')
export const allPresent = existsSync(shared)
export const folder = allPresent ? shared : join(import.meta.dirname, 'vectors')

export async function openVectorChain(): Promise<ForeignChain> {
  const genesis = readFileSync(join(folder, 'genesis.json'), 'utf8')
  const blocks = Uint8Array.from(readFileSync(join(folder, 'chain.rlp')))
  const imported = await importChain(genesis, blocks)
  assert.ok(imported.ok)
  return imported.value
}
