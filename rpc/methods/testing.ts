/**
 * `testing_`: blocks on request, for nodes that propose for nobody. Elsewhere these methods do not
 * exist: a block is built by its proposer, with fields that consensus binds.
 *
 * @see the execution-apis specification, "testing"
 */
import { z } from 'zod'
import { toHex } from '../../primitives/bytes.ts'
import { ok, refuse } from '../../primitives/result.ts'
import { blockViewOf } from '../blockView.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules, RpcTesting } from '../modules.ts'
import { orNull } from '../overrideSchemas.ts'
import { addressSchema, dataSchema, hashSchema, quantitySchema } from '../schemas.ts'
import { type JsonObject, quantity } from '../wire.ts'

/** Withdrawals and transactions of one request. */
const maxItems = 4_096

const withdrawalSchema = z.strictObject({
  index: quantitySchema,
  validatorIndex: quantitySchema,
  address: addressSchema,
  amount: quantitySchema,
})

const attributesSchema = z.strictObject({
  timestamp: quantitySchema.refine((time) => time < 2n ** 64n, 'at most 64 bits'),
  prevRandao: hashSchema,
  suggestedFeeRecipient: addressSchema,
  withdrawals: orNull(z.array(withdrawalSchema).max(maxItems)),
  parentBeaconBlockRoot: orNull(hashSchema),
})

export function testingMethods({ chain, testing }: RpcModules): Methods {
  if (testing === undefined) return {}
  return {
    testing_buildBlockV1: method(
      {
        parentBlockHash: hashSchema,
        payloadAttributes: attributesSchema,
        transactions: orNull(z.array(dataSchema).max(maxItems)),
        extraData: orNull(dataSchema.refine(({ length }) => length <= 32, 'at most 32 bytes')),
      },
      async ({ parentBlockHash, payloadAttributes, transactions, extraData }) => {
        if ((await chain.numberOf(parentBlockHash)) !== chain.head())
          return refuse({ code: 'rpc/notFound', what: 'head block with the parent hash' })
        const built = await testing.build({
          timestamp: payloadAttributes.timestamp,
          prevRandao: payloadAttributes.prevRandao,
          feeRecipient: payloadAttributes.suggestedFeeRecipient,
          beaconRoot: payloadAttributes.parentBeaconBlockRoot,
          withdrawals: payloadAttributes.withdrawals ?? [],
          extraData: extraData ?? new Uint8Array(),
          transactions,
        })
        return built.ok
          ? ok(payloadOf(built.value))
          : refuse({ code: 'rpc/execution', reason: built.fault.why })
      },
    ),
  }
}

type Built = Extract<Awaited<ReturnType<RpcTesting['build']>>, { readonly ok: true }>['value']

/** The answer of the engine API's `engine_getPayload`. */
function payloadOf({ block, value, requests }: Built): JsonObject {
  const { header, withdrawals, transactions } = blockViewOf(block)
  return {
    executionPayload: {
      parentHash: header.parentHash,
      feeRecipient: header.miner,
      stateRoot: header.stateRoot,
      receiptsRoot: header.receiptsRoot,
      logsBloom: header.logsBloom,
      prevRandao: header.mixHash,
      blockNumber: quantity(header.number),
      gasLimit: quantity(header.gasLimit),
      gasUsed: quantity(header.gasUsed),
      timestamp: quantity(header.timestamp),
      extraData: header.extraData,
      baseFeePerGas: quantity(header.baseFeePerGas ?? 0n),
      blockHash: header.hash,
      transactions: transactions().map(({ raw }) => raw),
      ...(withdrawals === null
        ? {}
        : {
            withdrawals: withdrawals.map(({ index, validatorIndex, address, amount }) => ({
              index: quantity(index),
              validatorIndex: quantity(validatorIndex),
              address,
              amount: quantity(amount),
            })),
          }),
      ...(header.blobGasUsed === null
        ? {}
        : {
            blobGasUsed: quantity(header.blobGasUsed),
            excessBlobGas: quantity(header.excessBlobGas ?? 0n),
          }),
    },
    blockValue: quantity(value),
    blobsBundle: { commitments: [], proofs: [], blobs: [] },
    executionRequests: requests.map(toHex),
    shouldOverrideBuilder: false,
  }
}
