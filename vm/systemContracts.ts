/**
 * Contracts that Ethereum puts into every state and writes at the start of each block: parent beacon
 * roots (EIP-4788) and block hashes (EIP-2935). Without their code in genesis nothing is stored.
 */
import type { StateManagerInterface } from '@ethereumjs/common'
import type { Address } from '../primitives/address.ts'
import { fromHex, uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes } from '../primitives/hash.ts'
import { ethAddress } from './worldView.ts'

/** @see EIP-4788, section "Address" */
export const beaconRootsContract: Address = '0x000f3df6d732807ef1319fb7b8bb8522d0beac02' as Address

/** @see EIP-2935, section "Address" */
export const historyContract: Address = '0x0000f90827f1c53a10cb7a02335b175320002935' as Address

/** Length of EIP-4788's ring, prime. */
const beaconRootsWindow = 8_191n

/** Length of EIP-2935's ring. */
export const historyWindow = 8_191n

/** Runtime code by address, as the EIPs give it. */
export const systemCode: ReadonlyMap<Address, Uint8Array> = new Map([
  [
    beaconRootsContract,
    fromHex(
      '0x3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500',
    ),
  ],
  [
    historyContract,
    fromHex(
      '0x3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500',
    ),
  ],
])

/** Keep the block's beacon root for its timestamp. */
export async function keepBeaconRoot(
  state: StateManagerInterface,
  timestamp: bigint,
  root: Hash,
): Promise<void> {
  const contract = ethAddress(beaconRootsContract)
  const slot = timestamp % beaconRootsWindow
  await state.putStorage(contract, uintBytes(slot, 32), uintBytes(timestamp, 32))
  await state.putStorage(contract, uintBytes(slot + beaconRootsWindow, 32), hashBytes(root))
}

/** Keep the parent's hash for BLOCKHASH and for the contract's readers. */
export async function keepParentHash(
  state: StateManagerInterface,
  height: bigint,
  parentHash: Hash,
): Promise<void> {
  const slot = uintBytes((height - 1n) % historyWindow, 32)
  await state.putStorage(ethAddress(historyContract), slot, hashBytes(parentHash))
}
