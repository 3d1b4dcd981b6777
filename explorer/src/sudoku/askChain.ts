/**
 * What the chain says of a proof: a call of its native module `Verifiers`, which every node answers by
 * the rules that blocks are made by.
 */
import { decodeFunctionResult, encodeFunctionData } from 'viem'
import keyNames from '../../../circuits/keys/names.json' with { type: 'json' }
import { moduleAddresses } from '../../../params/protocol.ts'
import { type Hex, toHex } from '../../../primitives/bytes.ts'
import type { Hash } from '../../../primitives/hash.ts'
import { verifiersAbi } from '../../../vm/modules/verifiersAbi.ts'
import { node } from '../net/node.ts'

/** The registered key under which the pages prove. */
export const sudokuKey: Hash = keyNames.sudoku as Hash

/** Empty for a proof that holds, else the code of what is wrong with it. */
export async function askChain(inputs: readonly bigint[], proof: Uint8Array): Promise<string> {
  const call = { abi: verifiersAbi, functionName: 'verify' } as const
  const data = encodeFunctionData({ ...call, args: [sudokuKey, inputs, toHex(proof)] })
  const request = { to: moduleAddresses.verifiers, data }
  const answer = await node.call<Hex>('eth_call', request, 'latest')
  const [valid, fault] = decodeFunctionResult({ ...call, data: answer })
  return valid ? '' : fault
}
