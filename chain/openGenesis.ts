/**
 * Block 0 of a database: made in a new one, compared in an old one.
 */
import type { Block } from '@ethereumjs/block'
import type { Genesis } from '../params/genesis.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import { genesisState } from '../vm/genesisState.ts'
import type { Nodes } from '../vm/stateStore.ts'
import type { ChainStore } from './chainStore.ts'
import { genesisBlock } from './genesisBlock.ts'
import type { Rules } from './rules.ts'

/** The genesis block and the nodes of its state; nothing is written. */
export async function genesisOf(
  genesis: Genesis,
  { engine, registry }: Pick<Rules, 'engine' | 'registry'>,
): Promise<{ readonly block: Block; readonly hash: Hash; readonly nodes: Nodes }> {
  const { root, nodes } = await genesisState(engine, genesis, registry.writeGenesisRecords)
  const block = genesisBlock(engine, genesis, root)
  return { block, hash: hashFromBytes(block.hash()), nodes }
}

/**
 * The genesis block, its state written if the store is new.
 *
 * @throws {Error} if the store belongs to another genesis.
 */
export async function openGenesis(
  blocks: ChainStore,
  genesis: Genesis,
  rules: Rules,
): Promise<Block> {
  const { block, hash, nodes } = await genesisOf(genesis, rules)
  const found = await blocks.genesisHash()
  if (found === null) await blocks.writeGenesis(hash, nodes)
  else if (found !== hash)
    throw new Error(`the database belongs to genesis ${found}, not to ${hash}`)
  return block
}
