/**
 * Why a transaction was refused, in the words that wallets and libraries look for.
 */
import type { PoolFault } from '../mempool/poolFault.ts'
import { describeFault } from '../primitives/result.ts'

/** The usual words come first, ours with the numbers after them; a new fault does not compile here. */
const words: Readonly<Record<PoolFault['code'], string>> = {
  'transaction/size': 'oversized data',
  'transaction/type': 'transaction type not supported',
  'transaction/malformed': 'malformed transaction',
  'transaction/encoding': 'malformed transaction',
  'transaction/chainId': 'invalid chain id for signer',
  'transaction/unprotected': 'only replay-protected (EIP-155) transactions allowed over RPC',
  'transaction/signature': 'invalid sender',
  'transaction/gasCap': 'transaction gas limit too high',
  'transaction/intrinsicGas': 'intrinsic gas too low',
  'pool/known': 'already known',
  'pool/certificate': 'certificates travel with their sidecars',
  'pool/blockGas': 'exceeds block gas limit',
  'pool/fee': 'transaction underpriced',
  'pool/tip': 'transaction underpriced',
  'pool/nonceLow': 'nonce too low',
  'pool/nonceGap': 'nonce too high',
  'pool/balance': 'insufficient funds for gas * price + value',
  'pool/underpriced': 'replacement transaction underpriced',
  'pool/senderFull': 'txpool is full',
  'pool/full': 'txpool is full',
}

/** Message of the wire error, e.g. `nonce too low: pool/nonceLow next=3 got=1`. */
export function poolRefusal(fault: PoolFault): string {
  return `${words[fault.code]}: ${describeFault(fault)}`
}
