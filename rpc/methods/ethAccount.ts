/**
 * `eth_` methods of nodes that sign for their callers. This one keeps no keys but its validator's, which
 * sign votes alone; it checks the parameters and says so.
 */
import { refuse } from '../../primitives/result.ts'
import { type Answer, type Methods, method } from '../method.ts'
import { addressSchema, callSchema, dataSchema } from '../schemas.ts'

/** The words that wallets look for come first. */
const noAccounts: Answer = refuse({
  code: 'rpc/execution',
  reason: 'unknown account: this node keeps no accounts, sign before sending',
})

export function ethAccountMethods(): Methods {
  return {
    eth_sign: method({ address: addressSchema, message: dataSchema }, async () => noAccounts),
    eth_signTransaction: method({ transaction: callSchema }, async () => noAccounts),
    eth_sendTransaction: method({ transaction: callSchema }, async () => noAccounts),
  }
}
