/**
 * `eth_` methods about accounts: balances, nonces, code, storage and their proofs.
 */
import { z } from 'zod'
import type { Address } from '../../primitives/address.ts'
import { toHex } from '../../primitives/bytes.ts'
import { ok, refuse } from '../../primitives/result.ts'
import { atBlock } from '../blocks.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { addressSchema, type BlockRef, blockOrLatestSchema, storageKeySchema } from '../schemas.ts'
import { quantity, word } from '../wire.ts'

/** Storage slots of one proof, or of one `eth_getStorageValues`. */
const maxSlots = 1_024

const at = { address: addressSchema, block: blockOrLatestSchema }

export function ethStateMethods({ chain, pool }: Pick<RpcModules, 'chain' | 'pool'>): Methods {
  const slot = (address: Address, key: bigint, block: BlockRef) =>
    atBlock(chain, block, (number) => chain.storageAt(address, key, number))

  return {
    eth_getBalance: method(at, async ({ address, block }) => {
      const account = await atBlock(chain, block, (number) => chain.account(address, number))
      return account.ok ? ok(quantity(account.value.balance)) : account
    }),
    eth_getTransactionCount: method(at, async ({ address, block }) => {
      const waiting = block.by === 'tag' && block.tag === 'pending' ? pool.nonce(address) : null
      if (waiting !== null) return ok(quantity(waiting))
      const account = await atBlock(chain, block, (number) => chain.account(address, number))
      return account.ok ? ok(quantity(account.value.nonce)) : account
    }),
    eth_getCode: method(at, async ({ address, block }) => {
      const code = await atBlock(chain, block, (number) => chain.code(address, number))
      return code.ok ? ok(toHex(code.value)) : code
    }),
    eth_getStorageAt: method(
      { address: addressSchema, key: storageKeySchema, block: blockOrLatestSchema },
      async ({ address, key, block }) => {
        const value = await slot(address, key.slot, block)
        return value.ok ? ok(word(value.value)) : value
      },
    ),
    eth_getStorageValues: method(
      {
        slots: z.record(addressSchema, z.array(storageKeySchema)),
        block: blockOrLatestSchema,
      },
      async ({ slots, block }) => {
        const wanted = Object.entries(slots).map(
          ([address, keys]) => [address as Address, keys] as const,
        )
        const count = wanted.reduce((sum, [, keys]) => sum + keys.length, 0)
        if (count > maxSlots) return refuse({ code: 'rpc/limit', what: 'slots', limit: maxSlots })
        const answer: Record<string, readonly string[]> = {}
        for (const [address, keys] of wanted) {
          const words: string[] = []
          for (const key of keys) {
            const value = await slot(address, key.slot, block)
            if (!value.ok) return value
            words.push(word(value.value))
          }
          answer[address] = words
        }
        return ok(answer)
      },
    ),
    eth_getProof: method(
      {
        address: addressSchema,
        keys: z.array(storageKeySchema).max(maxSlots),
        block: blockOrLatestSchema,
      },
      async ({ address, keys, block }) => {
        const slots = keys.map((key) => key.slot)
        const proof = await atBlock(chain, block, (number) => chain.proof(address, slots, number))
        if (!proof.ok) return proof
        const { balance, nonce, codeHash, storageHash, accountProof, storageProof } = proof.value
        return ok({
          address,
          accountProof,
          balance: quantity(balance),
          codeHash,
          nonce: quantity(nonce),
          storageHash,
          storageProof: storageProof.map((entry, i) => ({
            key: keys[i]!.echo,
            value: quantity(entry.value),
            proof: entry.proof,
          })),
        })
      },
    ),
  }
}
