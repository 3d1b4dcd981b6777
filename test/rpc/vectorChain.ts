/**
 * The public test chain as the server's view of a chain: imported block by block with the same
 * libraries the node uses, every state kept.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Block, createBlock, createBlockFromRLP } from '@ethereumjs/block'
import { type Common, createCommonFromGethGenesis, parseGethGenesisState } from '@ethereumjs/common'
import { createEVM } from '@ethereumjs/evm'
import { MerklePatriciaTrie } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { MerkleStateManager } from '@ethereumjs/statemanager'
import { Address as EthAddress, MapDB } from '@ethereumjs/util'
import { createVM, type RunBlockResult, runBlock } from '@ethereumjs/vm'
import type { Address } from '../../primitives/address.ts'
import { addressBytes, addressFromBytes, zeroAddress } from '../../primitives/address.ts'
import { bytesToUint, toHex, uintBytes } from '../../primitives/bytes.ts'
import { type Hash, hashFromBytes } from '../../primitives/hash.ts'
import { blockViewOf, headerViewOf } from '../../rpc/blockView.ts'
import { authorizationOf } from '../../rpc/chainView.ts'
import { forkViewOf } from '../../rpc/forkView.ts'
import type { RpcChain } from '../../rpc/modules.ts'
import type { ReceiptView } from '../../rpc/views.ts'
import { loadCrypto, type NativeCrypto, recoverKey } from '../../vm/crypto.ts'
import type { Engine } from '../../vm/engine.ts'
import { simulate } from '../../vm/simulate.ts'
import { simulateBlocks } from '../../vm/simulateBlocks.ts'

/** All vectors if they lie beside the repository, else the part that is kept here. */
const shared = join(import.meta.dirname, '../../../shared/vectors/execution-apis')
export const allPresent = existsSync(shared)
export const folder = allPresent ? shared : join(import.meta.dirname, 'vectors')

/** Blob schedules that the library's genesis parser leaves out. */
const params = {
  bpo1: { target: 10, max: 15, blobGasPriceUpdateFraction: 8346193 },
  bpo2: { target: 14, max: 21, blobGasPriceUpdateFraction: 11684671 },
}

/** Present so that blob transactions can be read; nothing on the test chain evaluates a commitment. */
const kzg = {
  blobToKzgCommitment: unused,
  computeBlobProof: unused,
  verifyProof: unused,
  verifyBlobProofBatch: unused,
  computeCells: unused,
  computeCellsAndProofs: unused,
  recoverCellsAndProofs: unused,
  verifyCellKzgProofBatch: unused,
}

function unused(): never {
  throw new Error('no commitments here')
}

type Imported = { readonly block: Block; readonly receipts: readonly ReceiptView[] }

export async function openVectorChain(): Promise<RpcChain> {
  const genesisJson = JSON.parse(readFileSync(join(folder, 'genesis.json'), 'utf8'))
  const common = createCommonFromGethGenesis(genesisJson, {
    chain: 'vectors',
    params,
    customCrypto: { kzg, ecrecover: recoverKey },
  } as Parameters<typeof createCommonFromGethGenesis>[1])
  const database = new MapDB<string, string | Uint8Array>()
  const open = async (root?: Uint8Array): Promise<MerkleStateManager> => {
    const trie = new MerklePatriciaTrie({ db: database, useKeyHashing: true, common } as never)
    const state = new MerkleStateManager({ common, trie })
    if (root !== undefined) await state.setStateRoot(root)
    return state
  }

  const state = await open()
  await state.generateCanonicalGenesis(parseGethGenesisState(genesisJson))
  common.setHardforkBy({ blockNumber: 0n, timestamp: 0n })
  const genesis = createBlock(
    {
      header: {
        ...common.genesis(),
        number: 0n,
        stateRoot: await state.getStateRoot(),
      } as never,
    },
    { common: common.copy(), setHardfork: true },
  )
  const chain: Imported[] = [{ block: genesis, receipts: [] }]
  const evm = await createEVM({ common, stateManager: state, blockchain: history(chain) })
  const vm = await createVM({ common, stateManager: state, evm })
  for (const bytes of readBlocks()) {
    const block = createBlockFromRLP(bytes, { common: common.copy(), setHardfork: true })
    const result = await runBlock(vm, { block, skipHeaderValidation: true, setHardfork: true })
    chain.push({ block, receipts: receiptsOf(result) })
  }
  return chainOf(common, chain, open, await loadCrypto())
}

function* readBlocks(): Iterable<Uint8Array> {
  let rest: Uint8Array = Uint8Array.from(readFileSync(join(folder, 'chain.rlp')))
  while (rest.length > 0) {
    const { data, remainder } = RLP.decode(rest, true)
    yield RLP.encode(data)
    rest = remainder
  }
}

function receiptsOf({ receipts }: RunBlockResult): readonly ReceiptView[] {
  return receipts.map((receipt) => ({
    status: 'status' in receipt ? Number(receipt.status) === 1 : null,
    root: 'stateRoot' in receipt ? hashFromBytes(receipt.stateRoot) : null,
    cumulativeGasUsed: receipt.cumulativeBlockGasUsed,
    logsBloom: toHex(receipt.bitvector),
    logs: receipt.logs.map(([address, topics, data]) => ({
      address: addressFromBytes(address),
      topics: topics.map(hashFromBytes),
      data: toHex(data),
    })),
  }))
}

function history(chain: readonly Imported[]) {
  const blocks = {
    getBlock: async (id: number | bigint) => chain[Number(id)]!.block,
    putBlock: async () => {},
    shallowCopy: () => blocks,
  }
  return blocks as never
}

function chainOf(
  common: Common,
  chain: readonly Imported[],
  open: (root: Uint8Array) => Promise<MerkleStateManager>,
  crypto: NativeCrypto,
): RpcChain {
  const at = (number: bigint) => chain[Number(number)] ?? null
  const byHash = new Map(chain.map(({ block }) => [toHex(block.hash()), block.header.number]))
  const places = new Map(
    chain.flatMap(({ block }) =>
      block.transactions.map(
        (tx, index) => [toHex(tx.hash()), { number: block.header.number, index }] as const,
      ),
    ),
  )
  const stateAt = (number: bigint) => open(at(number)!.block.header.stateRoot)
  const eth = (address: Address) => new EthAddress(addressBytes(address))
  const known = async (height: bigint) => at(height)?.block.hash() ?? null
  const engineAt = (number: bigint, timestamp: bigint): Engine => {
    const own = common.copy()
    own.setHardforkBy({ blockNumber: number, timestamp })
    return { chainId: Number(common.chainId()), common: own, crypto, modules: new Map() }
  }

  return {
    chainId: common.chainId(),
    head: () => BigInt(chain.length - 1),
    earliest: () => 0n,
    header: async (number) => (at(number) === null ? null : headerViewOf(at(number)!.block.header)),
    block: async (number) => (at(number) === null ? null : blockViewOf(at(number)!.block)),
    numberOf: async (hash) => byHash.get(hash) ?? null,
    receipts: async (number) => at(number)?.receipts ?? null,
    locate: async (hash) => places.get(hash) ?? null,
    account: async (address, number) => {
      const account = await (await stateAt(number)).getAccount(eth(address))
      return { nonce: account?.nonce ?? 0n, balance: account?.balance ?? 0n }
    },
    code: async (address, number) => (await stateAt(number)).getCode(eth(address)),
    storageAt: async (address, slot, number) =>
      bytesToUint(await (await stateAt(number)).getStorage(eth(address), uintBytes(slot, 32))),
    proof: async (address, slots, number) => proofOf(await stateAt(number), eth(address), slots),
    call: async (call, number, overrides, watch) => {
      const { header } = at(number)!.block
      const state = await stateAt(number)
      const engine = engineAt(header.number, header.timestamp)
      const request = {
        ...call,
        authorizationList: call.authorizationList?.map(authorizationOf) ?? null,
      }
      return simulate(engine, state, header, request, undefined, watch, overrides, known)
    },
    replay: async (number, watch) => {
      const { block } = at(number)!
      const own = common.copy()
      own.setHardforkBy({ blockNumber: number, timestamp: block.header.timestamp })
      const state = await stateAt(number - 1n)
      const evm = await createEVM({ common: own, stateManager: state, blockchain: history(chain) })
      const vm = await createVM({ common: own, stateManager: state, evm })
      watch({ vm, evm, state })
      await runBlock(vm, { block, skipHeaderValidation: true })
      return true
    },
    forks: async () => {
      const { header } = at(BigInt(chain.length - 1))!.block
      const { common: own } = engineAt(header.number, header.timestamp)
      return forkViewOf(own, at(0n)!.block.hash(), zeroAddress)
    },
    simulate: async (request, number) => {
      const { header } = at(number)!.block
      const base = { header, state: await stateAt(number), engineAt, known }
      return simulateBlocks(base, request, () => false)
    },
  }
}

async function proofOf(state: MerkleStateManager, address: EthAddress, slots: readonly bigint[]) {
  const { getMerkleStateProof } = await import('@ethereumjs/statemanager')
  const keys = slots.map((slot) => uintBytes(slot, 32))
  const proof = await getMerkleStateProof(state, address, keys)
  return {
    balance: BigInt(proof.balance),
    nonce: BigInt(proof.nonce),
    codeHash: proof.codeHash as string as Hash,
    storageHash: proof.storageHash as string as Hash,
    accountProof: proof.accountProof,
    storageProof: proof.storageProof.map((slot) => ({
      value: BigInt(slot.value),
      proof: slot.proof,
    })),
  }
}
