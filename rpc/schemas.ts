/**
 * Parameter schemas: each turns one JSON value into a checked value or says why not.
 */
import { z } from 'zod'
import type { Address } from '../primitives/address.ts'
import { type Hex, parseHex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'

/** Largest byte string of a parameter: a transaction or call data. */
const maxDataBytes = 1_048_576

const quantityText = z
  .string()
  .regex(/^0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})$/, 'must be a 0x quantity without leading zeros')

/** 0x-quantity of at most 256 bits. */
export const quantitySchema = quantityText.transform((text) => BigInt(text))

/** A small whole number, as a quantity or a JSON number. */
export function countSchema(max: number): z.ZodType<number> {
  return z
    .union([z.number(), quantityText.transform(Number)])
    .refine((count) => Number.isInteger(count) && count >= 0 && count <= max, {
      message: `must be a whole number from 0 to ${max}`,
    })
}

/** Bytes as 0x-hex of even length. */
export const dataSchema = z.string().transform((text, context): Uint8Array => {
  const parsed = parseHex(text, maxDataBytes)
  if (parsed.ok) return parsed.value
  context.addIssue({ code: 'custom', message: `must be 0x hex of at most ${maxDataBytes} bytes` })
  return z.NEVER
})

/** 20 bytes; checksums are not judged, as on other nodes. */
export const addressSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be a 20-byte 0x address')
  .transform((text) => text.toLowerCase() as Address)

/** 32 bytes. */
export const hashSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'must be a 32-byte 0x hash')
  .transform((text) => text.toLowerCase() as Hash)

/** A storage key: a quantity or up to 32 bytes; remembered as it is to be echoed in a proof. */
export const storageKeySchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{0,64}$/, 'invalid hex in storage key')
  .transform((text) => {
    const slot = text === '0x' ? 0n : BigInt(text)
    const echo = text.length === 66 ? text.toLowerCase() : `0x${slot.toString(16)}`
    return { slot, echo: echo as Hex }
  })

/** Latest = safe = finalized: committed blocks are final. */
const blockTags = ['latest', 'safe', 'finalized', 'pending', 'earliest'] as const
export type BlockTag = (typeof blockTags)[number]

/** A block by tag, number or hash. */
export type BlockRef =
  | { readonly by: 'tag'; readonly tag: BlockTag }
  | { readonly by: 'number'; readonly number: bigint }
  | { readonly by: 'hash'; readonly hash: Hash }

const byTag = z.enum(blockTags).transform((tag): BlockRef => ({ by: 'tag', tag }))
const byNumber = quantitySchema.transform((number): BlockRef => ({ by: 'number', number }))
const byHash = hashSchema.transform((hash): BlockRef => ({ by: 'hash', hash }))
/** @see EIP-1898 */
const byObject = z
  .union([
    z.strictObject({ blockHash: byHash, requireCanonical: z.boolean().optional() }),
    z.strictObject({ blockNumber: byNumber }),
  ])
  .transform((ref): BlockRef => ('blockHash' in ref ? ref.blockHash : ref.blockNumber))

const latest: BlockRef = { by: 'tag', tag: 'latest' }

/** Block number or tag. */
export const blockNumberSchema = z.union([byTag, byNumber], {
  error: 'must be a block number or one of latest, safe, finalized, pending, earliest',
})

/** Number, tag, hash or EIP-1898 object. */
export const blockRefSchema = z.union([byTag, byHash, byNumber, byObject], {
  error: 'must be a block number, tag, hash or an object with blockNumber or blockHash',
})

/** {@link blockRefSchema}, `latest` when omitted. */
export const blockOrLatestSchema = blockRefSchema
  .nullish()
  .transform((ref): BlockRef => ref ?? latest)

/** A list of one value or many, or nothing. */
function oneOrMany<T>(schema: z.ZodType<T>, max: number) {
  return z
    .union([schema.transform((one) => [one]), z.array(schema).max(max)])
    .nullish()
    .transform((list): readonly T[] | null => list ?? null)
}

/** Which logs are wanted; null matches everything. */
export type LogFilter = {
  readonly addresses: readonly Address[] | null
  /** By position; null accepts any topic there. */
  readonly topics: readonly (readonly Hash[] | null)[]
}

const maxAddresses = 1_024
const maxTopicChoices = 1_024

const logFields = {
  address: oneOrMany(addressSchema, maxAddresses),
  topics: z
    .array(oneOrMany(hashSchema, maxTopicChoices))
    .max(4, 'at most 4 topics')
    .nullish()
    .transform((topics) => topics ?? []),
}

/** Filter of `eth_subscribe("logs")`. */
export const logFilterSchema = z
  .looseObject(logFields)
  .transform(({ address, topics }): LogFilter => ({ addresses: address, topics: wild(topics) }))

/** Filter of `eth_getLogs` and `eth_newFilter`. */
export const logQuerySchema = z
  .looseObject({
    ...logFields,
    fromBlock: blockNumberSchema.nullish(),
    toBlock: blockNumberSchema.nullish(),
    blockHash: hashSchema.nullish(),
  })
  .refine(({ blockHash, fromBlock, toBlock }) => !blockHash || (!fromBlock && !toBlock), {
    message: 'cannot specify both blockHash and fromBlock/toBlock, choose one or the other',
  })
  .transform(({ address, topics, fromBlock, toBlock, blockHash }) => ({
    filter: { addresses: address, topics: wild(topics) } as LogFilter,
    fromBlock: fromBlock ?? null,
    toBlock: toBlock ?? null,
    blockHash: blockHash ?? null,
  }))
export type LogQuery = z.output<typeof logQuerySchema>

/** An empty choice accepts anything, as on other nodes. */
function wild(topics: readonly (readonly Hash[] | null)[]): readonly (readonly Hash[] | null)[] {
  return topics.map((choice) => (choice?.length === 0 ? null : choice))
}

export const accessListSchema = z
  .array(
    z.object({ address: addressSchema, storageKeys: z.array(hashSchema).max(4_096) }).readonly(),
  )
  .max(4_096)

/** @see EIP-7702 */
export const authorizationSchema = z.object({
  chainId: quantitySchema,
  address: addressSchema,
  nonce: quantitySchema,
  yParity: quantitySchema,
  r: quantitySchema,
  s: quantitySchema,
})

/** The transaction of `eth_call` and `eth_estimateGas`. Fields that decide nothing there are ignored. */
export const callSchema = z
  .looseObject({
    from: addressSchema.nullish(),
    to: addressSchema.nullish(),
    gas: quantitySchema.nullish(),
    gasPrice: quantitySchema.nullish(),
    maxFeePerGas: quantitySchema.nullish(),
    maxPriorityFeePerGas: quantitySchema.nullish(),
    value: quantitySchema.nullish(),
    data: dataSchema.nullish(),
    input: dataSchema.nullish(),
    accessList: accessListSchema.nullish(),
    authorizationList: z.array(authorizationSchema).max(256).nullish(),
  })
  .refine(({ gasPrice, maxFeePerGas }) => gasPrice == null || maxFeePerGas == null, {
    message: 'both gasPrice and maxFeePerGas specified',
  })
  .transform((call) => ({
    from: call.from ?? null,
    to: call.to ?? null,
    gas: call.gas ?? null,
    maxFeePerGas: call.maxFeePerGas ?? call.gasPrice ?? null,
    maxPriorityFeePerGas: call.maxPriorityFeePerGas ?? call.gasPrice ?? null,
    value: call.value ?? 0n,
    data: call.input ?? call.data ?? new Uint8Array(),
    accessList: call.accessList ?? null,
    authorizationList: call.authorizationList ?? null,
  }))
