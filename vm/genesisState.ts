/**
 * The state of block 0: balances, the native modules' accounts, Ethereum's system contracts and the
 * registry's first records.
 */
import { Account } from '@ethereumjs/util'
import type { Genesis } from '../params/genesis.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import type { World } from '../registry/records.ts'
import { createChainVm } from './chainVm.ts'
import type { Engine } from './engine.ts'
import { registerGenesisKeys } from './genesisKeys.ts'
import { emptyStateRoot, type Nodes, newNodes, openState, type StateStore } from './stateStore.ts'
import { systemCode } from './systemContracts.ts'
import { ethAddress } from './worldView.ts'

/** Provided by `registry/genesisRecords.ts`. */
export type WriteGenesisRecords = (world: World, genesis: Genesis) => Promise<void>

/**
 * Code of a native module's account: one byte, INVALID. It makes EXTCODESIZE 1, and an account with
 * code is never empty, so no call can sweep it away together with its records.
 */
const stubCode = Uint8Array.of(0xfe)

const nothing: StateStore = {
  get: async () => undefined,
  has: () => false,
  remember: () => {},
}

/** The genesis state, computed in memory: its root and its trie nodes. */
export async function genesisState(
  engine: Engine,
  genesis: Genesis,
  writeGenesisRecords: WriteGenesisRecords,
): Promise<{ readonly root: Hash; readonly nodes: Nodes }> {
  const { state, nodes } = await openState(engine.common, nothing, emptyStateRoot)
  await state.checkpoint()
  const give = async (address: Address, balance: bigint, nonce = 0n, code?: Uint8Array) => {
    await state.putAccount(ethAddress(address), new Account(nonce, balance))
    if (code !== undefined) await state.putCode(ethAddress(address), code)
  }
  for (const [address, balance] of genesis.balances) if (balance > 0n) await give(address, balance)
  for (const [address, code] of systemCode) await give(address, 0n, 1n, code)
  const stakes = genesis.validators.reduce((sum, { stake }) => sum + stake, 0n)
  const held = new Map<Address, bigint>([
    [moduleAddresses.treasury, genesis.treasury.balance],
    [moduleAddresses.staking, stakes * weiPerGwei],
  ])
  for (const address of Object.values(moduleAddresses)) {
    const balance = held.get(address) ?? 0n
    await give(address, balance, 1n, stubCode)
  }
  const block = {
    height: 0n,
    timestamp: BigInt(genesis.timestamp),
    mixHash: hashFromBytes(new Uint8Array(32)),
    coinbase: moduleAddresses.treasury,
  }
  const { world, evm } = await createChainVm(engine, state, block)
  await writeGenesisRecords(world, genesis)
  await registerGenesisKeys(world, genesis.verificationKeys)
  await evm.journal.cleanup()
  await state.commit()
  const root = hashFromBytes(await state.getStateRoot())
  return { root, nodes: newNodes(nothing, nodes, root) }
}
