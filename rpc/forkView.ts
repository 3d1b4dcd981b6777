/**
 * The rules in force, as `eth_config` tells them.
 *
 * @see EIP-7910
 */
import type { Common } from '@ethereumjs/common'
import { getActivePrecompiles } from '@ethereumjs/evm'
import type { Address } from '../primitives/address.ts'
import type { Hex } from '../primitives/bytes.ts'
import { beaconRootsContract, historyContract } from '../vm/systemContracts.ts'

export type ForkView = {
  /** Unix seconds; 0 for rules in force from genesis on. */
  readonly activationTime: number
  /** Null before blobs. */
  readonly blobSchedule: {
    readonly target: number
    readonly max: number
    readonly baseFeeUpdateFraction: number
  } | null
  readonly chainId: bigint
  /** EIP-2124. */
  readonly forkId: Hex
  /** Addresses by the names of EIP-7910. */
  readonly precompiles: Readonly<Record<string, Address>>
  readonly systemContracts: Readonly<Record<string, Address>>
}

const precompileNames: readonly (readonly [number, string])[] = [
  [0x01, 'ECREC'],
  [0x02, 'SHA256'],
  [0x03, 'RIPEMD160'],
  [0x04, 'ID'],
  [0x05, 'MODEXP'],
  [0x06, 'BN254_ADD'],
  [0x07, 'BN254_MUL'],
  [0x08, 'BN254_PAIRING'],
  [0x09, 'BLAKE2F'],
  [0x0a, 'KZG_POINT_EVALUATION'],
  [0x0b, 'BLS12_G1ADD'],
  [0x0c, 'BLS12_G1MSM'],
  [0x0d, 'BLS12_G2ADD'],
  [0x0e, 'BLS12_G2MSM'],
  [0x0f, 'BLS12_PAIRING_CHECK'],
  [0x10, 'BLS12_MAP_FP_TO_G1'],
  [0x11, 'BLS12_MAP_FP2_TO_G2'],
  [0x100, 'P256VERIFY'],
]

/** @see EIP-7002 and EIP-7251, section "Address" */
const withdrawalRequests = '0x00000961ef480eb55e80d19ad83579a64c007002' as Address
const consolidationRequests = '0x0000bbddc7ce488642fb579f8b00f3a590007251' as Address

/**
 * The rules that `common` is set to.
 *
 * @param depositContract - null for a chain without requests (EIP-6110, EIP-7002, EIP-7251).
 */
export function forkViewOf(
  common: Common,
  genesisHash: Uint8Array,
  depositContract: Address | null,
): ForkView {
  const fork = common.hardforks().find(({ name }) => name === common.hardfork())
  return {
    activationTime: Number(fork?.timestamp ?? 0),
    blobSchedule: common.isActivatedEIP(4844) ? blobScheduleOf(common) : null,
    chainId: common.chainId(),
    forkId: common.forkHash(undefined, genesisHash) as Hex,
    precompiles: precompilesOf(common),
    systemContracts: systemContractsOf(common, depositContract),
  }
}

function blobScheduleOf(common: Common): ForkView['blobSchedule'] {
  const schedule = common.getBlobGasSchedule()
  const perBlob = common.param('blobGasPerBlob')
  return {
    target: Number(schedule.targetBlobGasPerBlock / perBlob),
    max: Number(schedule.maxBlobGasPerBlock / perBlob),
    baseFeeUpdateFraction: Number(schedule.blobGasPriceUpdateFraction),
  }
}

function precompilesOf(common: Common): ForkView['precompiles'] {
  const active = getActivePrecompiles(common)
  const named = precompileNames
    .map(([number, name]) => [name, number.toString(16).padStart(40, '0')] as const)
    .filter(([, key]) => active.has(key))
  return Object.fromEntries(named.map(([name, key]) => [name, `0x${key}` as Address]))
}

function systemContractsOf(
  common: Common,
  depositContract: Address | null,
): ForkView['systemContracts'] {
  return {
    ...(common.isActivatedEIP(4788) ? { BEACON_ROOTS_ADDRESS: beaconRootsContract } : {}),
    ...(common.isActivatedEIP(2935) ? { HISTORY_STORAGE_ADDRESS: historyContract } : {}),
    ...(depositContract !== null && common.isActivatedEIP(7685)
      ? {
          CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS: consolidationRequests,
          DEPOSIT_CONTRACT_ADDRESS: depositContract,
          WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS: withdrawalRequests,
        }
      : {}),
  }
}
