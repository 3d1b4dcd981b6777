/**
 * The one way to make a VM: execution, `eth_call` and tracing all come through here, because a copy
 * made by the library's own `shallowCopy` would know neither the native modules nor the deadline.
 */
import { EVM, type EVMMockBlockchainInterface, type EVMOpts, type Message } from '@ethereumjs/evm'
import type { MerkleStateManager } from '@ethereumjs/statemanager'
import { createVM, type VM } from '@ethereumjs/vm'
import { uintBytes } from '../primitives/bytes.ts'
import type { PrivateFacts, World } from '../registry/records.ts'
import type { Engine } from './engine.ts'
import type { CallBlock } from './nativeModule.ts'
import { installNatives } from './natives.ts'
import { historyContract, historyWindow } from './systemContracts.ts'
import { ethAddress, worldOf } from './worldView.ts'

/** Thrown out of an execution whose time is over; its VM and state are then of no use. */
export class Expired extends Error {
  override readonly name = 'Expired'
}

export type ChainVm = {
  readonly vm: VM
  readonly evm: EVM
  readonly state: MerkleStateManager
  /** Unmetered, journalled: for what the chain itself does at the edges of a block. */
  readonly world: World & PrivateFacts
}

/**
 * Whether the execution's time is over. Asked at every message, every few loops, and every instruction
 * whose price depends on what it works on.
 */
export type Deadline = () => boolean

type CustomOpcode = NonNullable<EVMOpts['customOpcodes']>[number]

/** Some tens of milliseconds of the longest way round. */
const passesPerLook = 4

const never: Deadline = () => false

/** Hashes of blocks that the state does not tell; null: ask the state. */
export type KnownHash = (height: bigint) => Promise<Uint8Array | null>

export async function createChainVm(
  engine: Engine,
  state: MerkleStateManager,
  block: CallBlock,
  expired: Deadline = never,
  known?: KnownHash,
): Promise<ChainVm> {
  const { common, crypto, modules } = engine
  // Not `createEVM`: it would put its own curve arithmetic in place of ours.
  const evm = new EVM({
    common,
    stateManager: state,
    blockchain: historyFrom(state, known),
    bls: crypto.bls,
    bn254: crypto.bn254,
    customPrecompiles: [...crypto.precompiles],
    customOpcodes: [watchedJumpDestination(expired)],
  })
  watchDear(evm, expired)
  evm.events.on('beforeMessage', (_message: Message) => {
    if (expired()) throw new Expired('message')
  })
  installNatives(evm, modules, block)
  const vm = await createVM({ common, stateManager: state, evm })
  const world = worldOf({
    state,
    putAccount: (address, account) => evm.journal.putAccount(address, account),
    charge: () => {},
    readOnly: false,
  })
  return { vm, evm, state, world }
}

/**
 * Copies, hashes, powers and what reaches into the state look at the clock: a contract of such
 * instructions alone can spend all of a transaction's gas, and seconds, between two jumps.
 */
function watchDear(evm: EVM, expired: Deadline): void {
  if (expired === never) return
  // Made anew for this EVM; what no fork defines shares one entry.
  // biome-ignore lint/complexity/useLiteralKeys: a protected member, whose type is kept this way
  for (const entry of new Set(evm['_opcodeMap'])) {
    if (!entry.opcodeInfo.dynamicGas) continue
    const handler = entry.opHandler
    entry.opHandler = (runState, common) => {
      if (expired()) throw new Expired('instruction')
      return handler(runState, common)
    }
  }
}

/**
 * JUMPDEST as it always was, but it looks at the clock: no loop and no recursion runs without passing
 * one or sending a message. Between two of them lie at most 49,152 cheap instructions (EIP-3860).
 */
function watchedJumpDestination(expired: Deadline): CustomOpcode {
  let passes = 0
  return {
    opcode: 0x5b,
    opcodeName: 'JUMPDEST',
    baseFee: 1,
    logicFunction: () => {
      passes += 1
      if (passes % passesPerLook === 0 && expired()) throw new Expired('loop')
    },
  }
}

/** BLOCKHASH reads what EIP-2935 keeps in the state, so it is a function of the state alone. */
function historyFrom(
  state: MerkleStateManager,
  known: KnownHash = async () => null,
): EVMMockBlockchainInterface {
  const history: EVMMockBlockchainInterface = {
    getBlock: async (height) => {
      const told = await known(BigInt(height))
      if (told !== null) return { hash: () => told }
      const slot = uintBytes(BigInt(height) % historyWindow, 32)
      const hash = await state.getStorage(ethAddress(historyContract), slot)
      return { hash: () => hash }
    },
    putBlock: async () => {},
    shallowCopy: () => history,
  }
  return history
}
