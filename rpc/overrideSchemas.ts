/**
 * Schemas of what a caller may pretend: accounts, blocks, and calls within imagined blocks.
 */
import { z } from 'zod'
import type { Address } from '../primitives/address.ts'
import type { AccountOverride, BlockOverrides, StateOverrides } from '../vm/overrides.ts'
import {
  addressSchema,
  dataSchema,
  hashSchema,
  quantitySchema,
  storageKeySchema,
} from './schemas.ts'

/** Accounts of one set of overrides, and slots of one account. */
const maxAccounts = 1_024
const maxSlots = 4_096

/** Absent is null. */
export function orNull<T>(schema: z.ZodType<T>) {
  return schema.nullish().transform((value): T | null => value ?? null)
}

const slotsSchema = z
  .record(z.string(), hashSchema)
  .refine((slots) => Object.keys(slots).length <= maxSlots, {
    message: `at most ${maxSlots} slots`,
  })
  .transform((slots, context): ReadonlyMap<bigint, bigint> => {
    const entries = Object.entries(slots).map(([key, value]) => {
      const slot = storageKeySchema.safeParse(key)
      if (!slot.success) context.addIssue({ code: 'custom', message: 'invalid storage key' })
      return [slot.data?.slot ?? 0n, BigInt(value)] as const
    })
    return new Map(entries)
  })

const accountSchema = z
  .strictObject({
    balance: orNull(quantitySchema),
    nonce: orNull(quantitySchema.refine((nonce) => nonce < 2n ** 64n, 'at most 64 bits')),
    code: orNull(dataSchema),
    state: orNull(slotsSchema),
    stateDiff: orNull(slotsSchema),
    movePrecompileToAddress: orNull(addressSchema),
  })
  .refine(({ state, stateDiff }) => state === null || stateDiff === null, {
    message: "account has both 'state' and 'stateDiff'",
  })
  .transform(
    ({ movePrecompileToAddress, ...account }): AccountOverride => ({
      ...account,
      movePrecompileTo: movePrecompileToAddress,
    }),
  )

export const stateOverridesSchema = z
  .record(addressSchema, accountSchema)
  .refine((accounts) => Object.keys(accounts).length <= maxAccounts, {
    message: `at most ${maxAccounts} accounts`,
  })
  .nullish()
  .transform(
    (accounts): StateOverrides =>
      new Map(Object.entries(accounts ?? {}) as [Address, AccountOverride][]),
  )

export const blockFields = {
  number: orNull(quantitySchema),
  time: orNull(quantitySchema),
  gasLimit: orNull(quantitySchema),
  feeRecipient: orNull(addressSchema),
  prevRandao: orNull(hashSchema),
  baseFeePerGas: orNull(quantitySchema),
  blobBaseFee: orNull(quantitySchema),
}

export const blockOverridesSchema = z
  .looseObject(blockFields)
  .nullish()
  .transform((fields): BlockOverrides => blockOverridesOf(fields ?? {}))

export function blockOverridesOf(fields: Partial<BlockOverrides>): BlockOverrides {
  const { number, time, gasLimit, feeRecipient, prevRandao, baseFeePerGas, blobBaseFee } = fields
  return {
    number: number ?? null,
    time: time ?? null,
    gasLimit: gasLimit ?? null,
    feeRecipient: feeRecipient ?? null,
    prevRandao: prevRandao ?? null,
    baseFeePerGas: baseFeePerGas ?? null,
    blobBaseFee: blobBaseFee ?? null,
  }
}
