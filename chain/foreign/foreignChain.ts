/**
 * A chain that other nodes made: its blocks judged and run in order under the rules of their forks,
 * without its consensus. Everything is kept in memory, every state included.
 */
import { type Block, createBlock, createBlockFromBytesArray } from '@ethereumjs/block'
import { type NestedUint8Array, RLP } from '@ethereumjs/rlp'
import type { MerkleStateManager } from '@ethereumjs/statemanager'
import { type RunBlockResult, runBlock } from '@ethereumjs/vm'
import { type Address, addressFromBytes } from '../../primitives/address.ts'
import { equalBytes, toHex } from '../../primitives/bytes.ts'
import { type Hash, hashFromBytes, keccakHash } from '../../primitives/hash.ts'
import { ok, type Result, refuse } from '../../primitives/result.ts'
import { type ChainVm, createChainVm, type Deadline, type KnownHash } from '../../vm/chainVm.ts'
import type { Engine } from '../../vm/engine.ts'
import { type Log, logsOf } from '../../vm/receipts.ts'
import {
  emptyStateRoot,
  type Nodes,
  newNodes,
  openState,
  type StateStore,
} from '../../vm/stateStore.ts'
import { type Touched, watchTouches } from '../../vm/touched.ts'
import { type RawBlock, readBlockFile } from './blockFile.ts'
import { type ImportFault, whyOf } from './fault.ts'
import { foreignBodyFault, foreignHeaderFault } from './header.ts'
import { type ForeignRules, foreignRules } from './rules.ts'

/** A receipt of any fork: before Byzantium it has a state root and no status. */
export type ForeignReceipt = {
  readonly succeeded: boolean | null
  readonly root: Hash | null
  readonly cumulativeGasUsed: bigint
  readonly bloom: Uint8Array
  readonly logs: readonly Log[]
}

export type ForeignBlock = {
  readonly block: Block
  readonly receipts: readonly ForeignReceipt[]
  /** By transaction. */
  readonly touched: readonly Touched[]
}

export type ForeignChain = {
  readonly chainId: bigint
  readonly depositContract: Address | null
  /** By height, from genesis to the head. */
  readonly blocks: readonly ForeignBlock[]
  readonly engineAt: ForeignRules['engineAt']
  /** Hash of the block at a height, for BLOCKHASH. */
  readonly known: KnownHash
  /** A view of the state after a block; what is written to it is forgotten. */
  readonly stateAt: (height: bigint) => Promise<MerkleStateManager>
  /** Run a block again while `watch` looks on. */
  readonly replay: (
    height: bigint,
    watch: (vm: ChainVm) => void,
    expired: Deadline,
  ) => Promise<void>
}

export type ImportOptions = {
  /** Told after each block. */
  readonly progress?: ((height: bigint, of: number) => void) | undefined
  /** Asked before each block; true ends the import with `import/execution`. */
  readonly stopped?: (() => boolean) | undefined
}

/** Read, judge and run the chain of `genesisText`; the first block that breaks a rule is the verdict. */
export async function importChain(
  genesisText: string,
  chainBytes: Uint8Array,
  { progress, stopped }: ImportOptions = {},
): Promise<Result<ForeignChain, ImportFault>> {
  const read = readBlockFile(chainBytes)
  if (!read.ok) return read
  const rules = await foreignRules(genesisText, read.value)
  if (!rules.ok) return rules
  const store = memoryStates()
  const origin = await foreignGenesis(rules.value, store)
  if (!origin.ok) return origin
  const blocks: ForeignBlock[] = [{ block: origin.value, receipts: [], touched: [] }]
  const chain = chainOf(rules.value, blocks, store)
  const raws = withoutGenesis(read.value, origin.value)
  if (!raws.ok) return raws
  for (const raw of raws.value) {
    const height = BigInt(blocks.length)
    if (stopped?.() === true)
      return refuse({ code: 'import/execution', height, why: 'the import was stopped' })
    const added = await addBlock(chain, raw, store)
    if (!added.ok) return added
    blocks.push(added.value)
    progress?.(height, read.value.length)
  }
  return ok(chain)
}

/** Some clients export block 0, too: it must be the one that the genesis makes. */
function withoutGenesis(
  raws: readonly RawBlock[],
  genesis: Block,
): Result<readonly RawBlock[], ImportFault> {
  const [first, ...others] = raws
  if (first?.number !== 0n) return ok(raws)
  const expected = hashFromBytes(genesis.hash())
  const got = keccakHash(RLP.encode(first.fields[0] as NestedUint8Array))
  return got === expected
    ? ok(others)
    : refuse({ code: 'import/header', height: 0n, field: 'hash', expected, got })
}

/** Every node ever written; nothing here is larger than the chain that the user has brought. */
function memoryStates(): StateStore {
  const nodes = new Map<string, Uint8Array>()
  return {
    get: async (key) => nodes.get(key),
    has: (key) => nodes.has(key),
    remember: (more: Nodes) => {
      for (const [key, node] of more) nodes.set(key, node)
    },
  }
}

async function foreignGenesis(
  { engineAt, genesisTime, genesisState }: ForeignRules,
  store: StateStore,
): Promise<Result<Block, ImportFault>> {
  try {
    const { common } = engineAt(0n, genesisTime)
    const { state, nodes } = await openState(common, store, emptyStateRoot)
    await state.generateCanonicalGenesis(genesisState)
    const stateRoot = await state.getStateRoot()
    store.remember(nodes)
    const header = { ...common.genesis(), number: 0n, stateRoot } as never
    const withdrawals = common.isActivatedEIP(4895) ? { withdrawals: [] } : {}
    return ok(createBlock({ header, ...withdrawals }, { common }))
  } catch (error) {
    return refuse({ code: 'import/genesis', why: whyOf(error) })
  }
}

function chainOf(
  rules: ForeignRules,
  blocks: readonly ForeignBlock[],
  store: StateStore,
): ForeignChain {
  const { chainId, depositContract, engineAt } = rules
  const known: KnownHash = async (height) => blocks[Number(height)]?.block.hash() ?? null

  async function stateAt(height: bigint): Promise<MerkleStateManager> {
    const { header } = blocks[Number(height)]!.block
    const { common } = engineAt(header.number, header.timestamp)
    return (await openState(common, store, hashFromBytes(header.stateRoot))).state
  }

  async function replay(
    height: bigint,
    watch: (vm: ChainVm) => void,
    expired: Deadline,
  ): Promise<void> {
    const { block } = blocks[Number(height)]!
    const engine = engineAt(block.header.number, block.header.timestamp)
    const chainVm = await vmFor(engine, await stateAt(height - 1n), block, known, expired)
    watch(chainVm)
    await runBlock(chainVm.vm, { block, generate: true, skipBlockValidation: true })
  }

  return { chainId, depositContract, blocks, engineAt, known, stateAt, replay }
}

function vmFor(
  engine: Engine,
  state: MerkleStateManager,
  { header }: Block,
  known: KnownHash,
  expired?: Deadline,
): Promise<ChainVm> {
  const context = {
    height: header.number,
    timestamp: header.timestamp,
    mixHash: hashFromBytes(header.mixHash),
    coinbase: addressFromBytes(header.coinbase.bytes),
  }
  return createChainVm(engine, state, context, expired, known)
}

async function addBlock(
  { blocks, engineAt, known }: ForeignChain,
  raw: RawBlock,
  store: StateStore,
): Promise<Result<ForeignBlock, ImportFault>> {
  const height = BigInt(blocks.length)
  const parent = blocks.at(-1)!.block
  const engine = engineAt(height, raw.timestamp)
  const { common } = engine
  let block: Block
  try {
    const fields = raw.fields as Parameters<typeof createBlockFromBytesArray>[0]
    block = createBlockFromBytesArray(fields, { common, skipConsensusFormatValidation: true })
  } catch (error) {
    return refuse({ code: 'import/block', height, why: whyOf(error) })
  }
  const fault =
    foreignHeaderFault(parent.header, block.header) ?? (await foreignBodyFault(block, raw.size))
  if (fault !== null) return refuse(fault)
  for (const [index, tx] of block.transactions.entries()) {
    const [why] = tx.getValidationErrors()
    if (why !== undefined) return refuse({ code: 'import/transaction', height, index, why })
  }
  const opened = await openState(common, store, hashFromBytes(parent.header.stateRoot))
  try {
    const { vm, evm } = await vmFor(engine, opened.state, block, known)
    const touches = watchTouches(evm)
    const touched: Touched[] = []
    vm.events.on('afterTx', async ({ transaction: { to } }, resume) => {
      const sender = addressFromBytes(block.transactions[touched.length]!.getSenderAddress().bytes)
      const recipient = to === undefined ? null : addressFromBytes(to.bytes)
      touched.push(await touches.take({ sender, to: recipient }))
      resume?.()
    })
    const result = await runBlock(vm, { block, generate: true, skipBlockValidation: true })
    const wrong = resultFault(block, result)
    if (wrong !== null) return refuse(wrong)
    store.remember(newNodes(store, opened.nodes, hashFromBytes(result.stateRoot)))
    return ok({ block, receipts: receiptsOf(result), touched })
  } catch (error) {
    return refuse({ code: 'import/execution', height, why: whyOf(error) })
  }
}

/** The first field that execution contradicts, or null. */
function resultFault({ header }: Block, result: RunBlockResult): ImportFault | null {
  const fields: readonly (readonly [string, Uint8Array | undefined, Uint8Array | undefined])[] = [
    ['receiptsRoot', result.receiptsRoot, header.receiptTrie],
    ['logsBloom', result.logsBloom, header.logsBloom],
    ['requestsHash', result.requestsHash, header.requestsHash],
    ['stateRoot', result.stateRoot, header.stateRoot],
  ]
  const height = header.number
  if (result.gasUsed !== header.gasUsed) {
    const seen = { field: 'gasUsed', expected: result.gasUsed, got: header.gasUsed }
    return { code: 'import/result', height, ...seen }
  }
  const none = new Uint8Array()
  for (const [field, expected = none, got = none] of fields)
    if (!equalBytes(expected, got))
      return { code: 'import/result', height, field, expected: toHex(expected), got: toHex(got) }
  return null
}

function receiptsOf({ receipts }: RunBlockResult): readonly ForeignReceipt[] {
  return receipts.map((receipt) => ({
    succeeded: 'status' in receipt ? Number(receipt.status) === 1 : null,
    root: 'stateRoot' in receipt ? hashFromBytes(receipt.stateRoot) : null,
    cumulativeGasUsed: receipt.cumulativeBlockGasUsed,
    bloom: receipt.bitvector,
    logs: logsOf(receipt.logs),
  }))
}
