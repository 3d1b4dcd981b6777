/**
 * The rules of a foreign chain, from its genesis file in geth's format: which fork is in force where,
 * and the engine that runs it.
 */
import {
  type Common,
  createCommonFromGethGenesis,
  type GethGenesis,
  parseGethGenesisState,
} from '@ethereumjs/common'
import type { Address } from '../../primitives/address.ts'
import { ok, type Result, refuse } from '../../primitives/result.ts'
import { loadCrypto, recoverKey, sha256Native } from '../../vm/crypto.ts'
import { type Engine, fixRules } from '../../vm/engine.ts'
import { keccak256 } from '../../vm/keccak.ts'
import { openingsOnly } from '../../vm/kzg.ts'
import { p256Precompile } from '../../vm/p256.ts'
import type { RawBlock } from './blockFile.ts'
import { type ImportFault, whyOf } from './fault.ts'

type GenesisState = ReturnType<typeof parseGethGenesisState>

export type ForeignRules = {
  readonly chainId: bigint
  readonly depositContract: Address | null
  readonly genesisState: GenesisState
  /** Header fields of block 0 that the file gives. */
  readonly genesisTime: bigint
  /** The rules in force for a block with this number and time. */
  readonly engineAt: (number: bigint, timestamp: bigint) => Engine
}

type BlobSchedule = NonNullable<GethGenesis['config']['blobSchedule']>

/**
 * @param blocks - of the chain: where proof of stake begins shows only in their difficulties, if the
 * genesis names a total difficulty and no block.
 */
export async function foreignRules(
  text: string,
  blocks: readonly RawBlock[],
): Promise<Result<ForeignRules, ImportFault>> {
  const crypto = await loadCrypto()
  try {
    const given = JSON.parse(text) as GethGenesis
    if (!Number.isSafeInteger(Number(given.config?.chainId)))
      return refuse({ code: 'import/genesis', why: 'config.chainId is no whole number' })
    const genesis = withMerge(given, blocks)
    const base = createCommonFromGethGenesis(genesis, {
      chain: 'foreign',
      params: blobParams(genesis.config.blobSchedule ?? {}),
      customCrypto: { kzg: openingsOnly, ecrecover: recoverKey, sha256: sha256Native, keccak256 },
    } as never)
    const engines = new Map<string, Engine>()

    function engineOf(common: Common): Engine {
      const precompiles = common.isActivatedEIP(7951) ? [p256Precompile] : []
      const chainId = Number(common.chainId())
      return { chainId, common, crypto: { ...crypto, precompiles }, modules: new Map() }
    }

    function engineAt(blockNumber: bigint, timestamp: bigint): Engine {
      const fork = base.getHardforkBy({ blockNumber, timestamp })
      const known = engines.get(fork)
      if (known !== undefined) return known
      const common = base.copy()
      common.setHardfork(fork)
      const engine = engineOf(fixRules(common))
      engines.set(fork, engine)
      return engine
    }

    return ok({
      chainId: base.chainId(),
      depositContract:
        (genesis.config.depositContractAddress?.toLowerCase() as Address | undefined) ?? null,
      genesisState: parseGethGenesisState(genesis),
      genesisTime: BigInt((genesis.timestamp ?? 0) as string | number),
      engineAt,
    })
  } catch (error) {
    return refuse({ code: 'import/genesis', why: whyOf(error) })
  }
}

/** From the first BPO fork on the library reads a schedule by other names than its parser writes. */
function blobParams(schedule: BlobSchedule): Readonly<Record<string, object>> {
  const later = Object.entries(schedule).filter(([fork]) => /^bpo\d$/.test(fork))
  return Object.fromEntries(
    later.map(([fork, { target, max, baseFeeUpdateFraction }]) => [
      fork,
      { target, max, blobGasPriceUpdateFraction: baseFeeUpdateFraction },
    ]),
  )
}

/** Names the first block after the terminal total difficulty, if the genesis does not. */
function withMerge(genesis: GethGenesis, blocks: readonly RawBlock[]): GethGenesis {
  const { terminalTotalDifficulty, mergeNetsplitBlock, mergeForkBlock } = genesis.config
  const named = mergeNetsplitBlock !== undefined || mergeForkBlock !== undefined
  if (named || terminalTotalDifficulty === undefined) return genesis
  const terminal = BigInt(terminalTotalDifficulty as string | number)
  let total = BigInt((genesis.difficulty ?? 0) as string | number)
  const first = blocks.find(({ difficulty }) => {
    if (total >= terminal) return true
    total += difficulty
    return false
  })
  if (terminal === 0n || first === undefined) return genesis
  const mergeBlock = Number(first.number)
  return {
    ...genesis,
    config: { ...genesis.config, mergeForkBlock: mergeBlock, mergeNetsplitBlock: mergeBlock },
  }
}
