import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type AbiFunction, type AbiParameter, encodeFunctionData } from 'viem'
import { describe, it } from 'vitest'
import { addressOfKey } from '../../primitives/address.ts'
import { fromHex, type Hex, toHex } from '../../primitives/bytes.ts'
import { advance, alice, openTestChain, signed, validatorAddresses } from '../chain/support.ts'

/** Values at the ends of a type, small ones, and any. */
function anyOf(input: AbiParameter): fc.Arbitrary<unknown> {
  const { type } = input
  const list = /^(.*)\[\]$/.exec(type)
  if (list !== null) return fc.array(anyOf({ ...input, type: list[1]! }), { maxLength: 4 })
  if (type === 'tuple') {
    const fields = (input as { readonly components: readonly AbiParameter[] }).components
    return fc.record(Object.fromEntries(fields.map((field) => [field.name!, anyOf(field)])))
  }
  const bits = /^uint(\d+)$/.exec(type)
  if (bits !== null) {
    const most = (1n << BigInt(bits[1]!)) - 1n
    const number = fc.oneof(
      fc.constantFrom(0n, 1n, 2n, 16n, most, most - 1n),
      fc.bigInt({ min: 0n, max: most }),
    )
    return Number(bits[1]) <= 48 ? number.map(Number) : number
  }
  const bytesOf = (min: number, max: number) =>
    fc.uint8Array({ minLength: min, maxLength: max }).map((bytes) => toHex(bytes) as Hex)
  if (type === 'address') return fc.oneof(fc.constantFrom(...validatorAddresses), bytesOf(20, 20))
  if (type === 'bytes32') return fc.oneof(fc.constant(`0x${'00'.repeat(32)}`), bytesOf(32, 32))
  if (type === 'bytes') return bytesOf(0, 800)
  if (type === 'bool') return fc.boolean()
  assert.equal(type, 'string')
  return fc.string({ unit: 'binary', maxLength: 70 }).filter((text) => text.isWellFormed())
}

describe('native modules', () => {
  it('answer any arguments with a value or an error of their ABI', async () => {
    const { chain, engine } = await openTestChain()
    await advance(chain, [signed(engine, alice, { to: validatorAddresses[0]! })])
    const from = [addressOfKey(alice), validatorAddresses[0]!]
    for (const { address, abi, name } of engine.modules.values())
      for (const item of abi)
        if (item.type === 'function') await checkFunction(address, name, item as AbiFunction)

    async function checkFunction(
      to: (typeof from)[0],
      name: string,
      item: AbiFunction,
    ): Promise<void> {
      const args = fc.tuple(...item.inputs.map(anyOf))
      const runs = Number(process.env.WAGGLE_NATIVE_FUZZ ?? 8)
      await fc.assert(
        fc.asyncProperty(
          args,
          fc.constantFrom(...from),
          fc.constantFrom(0n, 1n, 10n ** 18n),
          async (given, caller, wei) => {
            const abi = [item]
            const data = fromHex(encodeFunctionData({ abi, functionName: item.name, args: given }))
            const value = item.stateMutability === 'payable' ? wei : 0n
            const fees = { maxFeePerGas: null, maxPriorityFeePerGas: null, accessList: null }
            const request = { from: caller, to, gas: 16_000_000n, value, data, ...fees }
            const outcome = await chain.call(
              { ...request, authorizationList: null },
              chain.head().height,
            )
            assert.ok(outcome !== null)
            if (outcome.ok || outcome.kind === 'revert') return
            assert.match(outcome.reason, /out of gas|insufficient|enough/, `${name}.${item.name}`)
          },
        ),
        { numRuns: item.inputs.length === 0 ? 2 : runs },
      )
    }
  })
})
