/**
 * Supply: whether every wei of the state is explained by the genesis, what was minted and what was
 * burned.
 */
import { createAccountFromRLP } from '@ethereumjs/util'
import type { Genesis } from '../params/genesis.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import { hashBytes } from '../primitives/hash.ts'
import { burnedByModules, feesBurned } from '../registry/ledger.ts'
import { mintedGwei } from '../registry/withdrawals.ts'
import type { Engine } from '../vm/engine.ts'
import { type OpenState, openState } from '../vm/stateStore.ts'
import { readWorld } from '../vm/worldView.ts'
import type { ChainState } from './chainState.ts'

/** All in wei. */
export type Supply = {
  readonly genesis: bigint
  readonly minted: bigint
  readonly burnedByModules: bigint
  readonly burnedFees: bigint
  /** The sum over all accounts. */
  readonly balances: bigint
  /** `genesis + minted − burned`; equal to `balances` on a sound chain. */
  readonly expected: bigint
}

/** Add up the state after a block. Walks every account. */
export async function supplyAt(engine: Engine, genesis: Genesis, at: ChainState): Promise<Supply> {
  const { state, trie } = await openState(engine.common, at.states, at.stateRoot)
  const world = readWorld(state)
  const started = genesisSupply(genesis)
  const minted = (await mintedGwei(world)) * weiPerGwei
  const burned = await burnedByModules(world)
  const ownFees = (at.header.baseFeePerGas ?? 0n) * at.header.gasUsed
  const burnedFees = (await feesBurned(world)) + ownFees
  return {
    genesis: started,
    minted,
    burnedByModules: burned,
    burnedFees,
    balances: await sumBalances(trie, at),
    expected: started + minted - burned - burnedFees,
  }
}

/** Balances, treasury and stakes of block 0. */
function genesisSupply({ balances, treasury, validators }: Genesis): bigint {
  const held = [...balances.values()].reduce((sum, wei) => sum + wei, treasury.balance)
  return validators.reduce((sum, { stake }) => sum + stake * weiPerGwei, held)
}

async function sumBalances(trie: OpenState['trie'], at: ChainState): Promise<bigint> {
  let sum = 0n
  trie.root(hashBytes(at.stateRoot))
  await trie.walkAllValueNodes(async (node) => {
    const value = node.value()
    if (value !== null) sum += createAccountFromRLP(value).balance
  })
  return sum
}
