/**
 * A small native module for tests, at the registry's address: it notes, pays, refuses and breaks.
 */
import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import { moduleAddresses } from '../../params/protocol.ts'
import { Bug } from '../../primitives/result.ts'
import type { NativeCall, NativeModule, NativeOutcome } from '../../vm/nativeModule.ts'

export const notebookAbi = parseAbi([
  'function note(uint256 value) payable returns (uint256 count)',
  'function last() view returns (uint256 author, uint256 value)',
  'function refund(uint256 amount)',
  'function burn(uint256 amount)',
  'function context() view returns (address caller, address origin, bool topLevel, uint256 height, bytes32 mixHash, address coinbase)',
  'function spend(uint256 gas)',
  'function boom()',
  'event Noted(address indexed author, uint256 value, uint256 paid)',
  'error Delegated()',
  'error Malformed()',
  'error ReadOnly()',
  'error NotPayable()',
  'error TooBig(uint256 got, uint256 max)',
])

export const notebookAddress = moduleAddresses.registry

const outcome = (...outputs: readonly unknown[]): NativeOutcome => ({ ok: true, outputs })

async function note({
  args,
  caller,
  value: paid,
  world,
  emit,
}: NativeCall): Promise<NativeOutcome> {
  const [value] = args as [bigint]
  const count = (await world.registry.get(2n)) + 1n
  await world.registry.put(0n, BigInt(caller))
  await world.registry.put(1n, value)
  await world.registry.put(2n, count)
  emit('Noted', { author: caller, value, paid })
  // After writing, so that the refusal has something to undo.
  if (value > 1_000n) return { ok: false, errorName: 'TooBig', args: [value, 1_000n] }
  return outcome(count)
}

const functions: Readonly<Record<string, (call: NativeCall) => Promise<NativeOutcome>>> = {
  note,
  last: async ({ world }) => outcome(await world.registry.get(0n), await world.registry.get(1n)),
  refund: async ({ args, caller, world }) => {
    await world.purse.transfer(notebookAddress, caller, (args as [bigint])[0])
    return outcome()
  },
  burn: async ({ args, world }) => {
    await world.purse.burn(notebookAddress, (args as [bigint])[0])
    return outcome()
  },
  context: async ({ caller, origin, topLevel, block }) =>
    outcome(caller, origin, topLevel, block.height, block.mixHash, block.coinbase),
  spend: async ({ args, charge }) => {
    charge((args as [bigint])[0])
    return outcome()
  },
  boom: async ({ world }) => {
    await world.registry.put(9n, 1n)
    throw new Bug('boom')
  },
}

export const notebook: NativeModule = {
  name: 'Notebook',
  address: notebookAddress,
  abi: notebookAbi,
  call: (call) => functions[call.functionName]!(call),
}

export function noteData(value: bigint): Hex {
  return encodeFunctionData({ abi: notebookAbi, functionName: 'note', args: [value] })
}

export const lastData = encodeFunctionData({ abi: notebookAbi, functionName: 'last' })

export function dataOf(functionName: 'refund' | 'burn' | 'spend', amount: bigint): Hex {
  return encodeFunctionData({ abi: notebookAbi, functionName, args: [amount] })
}
