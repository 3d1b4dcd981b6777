/**
 * Block 0. Its hash names the chain: it commits to every field of `genesis.json` but later upgrades,
 * parameters included.
 */
import { type Block, createBlock } from '@ethereumjs/block'
import type { Genesis } from '../params/genesis.ts'
import { fromHex, utf8ToBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf } from '../primitives/hash.ts'
import { initialBaseFee } from '../vm/common.ts'
import type { Engine } from '../vm/engine.ts'
import { emptyRequestsHash } from './header.ts'

/**
 * Digest of the genesis in canonical JSON: sorted keys, whole numbers as decimal text. Later upgrades
 * are not part of it: they are added while the chain runs, and told apart by the rules hash of a hello.
 */
function genesisDigest(genesis: Genesis): Hash {
  const upgrades = genesis.upgrades.filter(({ height }) => height === 0)
  return hashOf('waggle/genesis/v1', utf8ToBytes(canonicalJson({ ...genesis, upgrades })))
}

/** The block whose hash is the genesis hash. */
export function genesisBlock(engine: Engine, genesis: Genesis, stateRoot: Hash): Block {
  const digest = hashBytes(genesisDigest(genesis))
  const header = {
    number: 0n,
    timestamp: BigInt(genesis.timestamp),
    gasLimit: BigInt(genesis.params.blockGasLimit),
    baseFeePerGas: initialBaseFee,
    extraData: fromHex(genesis.extraData),
    stateRoot: hashBytes(stateRoot),
    requestsHash: hashBytes(emptyRequestsHash),
    // There is no parent to commit to, and the first randomness is the genesis itself.
    parentBeaconBlockRoot: digest,
    mixHash: digest,
  }
  return createBlock({ header, withdrawals: [] }, { common: engine.common })
}

/** JSON with sorted keys; maps become objects, bigints decimal strings. */
function canonicalJson(value: unknown): string {
  if (typeof value === 'bigint') return `"${value}"`
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value instanceof Map) return canonicalJson(Object.fromEntries(value))
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(',')}}`
}
