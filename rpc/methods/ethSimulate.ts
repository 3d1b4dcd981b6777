/**
 * `eth_simulateV1`: chains of imagined blocks on top of a block.
 */
import { createWithdrawal } from '@ethereumjs/util'
import { z } from 'zod'
import { zeroAddress } from '../../primitives/address.ts'
import { toHex } from '../../primitives/bytes.ts'
import { ok, refuse } from '../../primitives/result.ts'
import type { ImaginedBlock, ImaginedOutcome, SimulatedBlock } from '../../vm/simulateBlocks.ts'
import { atBlock } from '../blocks.ts'
import { blockViewOf } from '../blockView.ts'
import { authorizationOf } from '../chainView.ts'
import { formatBlock, formatLog } from '../format.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { blockFields, blockOverridesOf, orNull, stateOverridesSchema } from '../overrideSchemas.ts'
import { describeRevert } from '../revert.ts'
import {
  accessListSchema,
  addressSchema,
  authorizationSchema,
  blockOrLatestSchema,
  dataSchema,
  hashSchema,
  quantitySchema,
} from '../schemas.ts'
import type { BlockView } from '../views.ts'
import { type JsonObject, quantity } from '../wire.ts'

export type SimulateLimits = {
  /** Gas of all calls of one simulation. */
  readonly maxSimulateGas: bigint
  /** Heights between the base and the last imagined block. */
  readonly maxSimulateBlocks: number
  /** Calls of all blocks of one simulation. */
  readonly maxSimulateCalls: number
}

const nonceSchema = quantitySchema.refine((nonce) => nonce < 2n ** 64n, 'at most 64 bits')

const imaginedCallSchema = z
  .looseObject({
    from: orNull(addressSchema),
    to: orNull(addressSchema),
    gas: orNull(nonceSchema),
    nonce: orNull(nonceSchema),
    gasPrice: orNull(quantitySchema),
    maxFeePerGas: orNull(quantitySchema),
    maxPriorityFeePerGas: orNull(quantitySchema),
    maxFeePerBlobGas: orNull(quantitySchema),
    blobVersionedHashes: orNull(z.array(hashSchema).max(16)),
    value: orNull(quantitySchema),
    data: orNull(dataSchema),
    input: orNull(dataSchema),
    accessList: orNull(accessListSchema),
    authorizationList: orNull(z.array(authorizationSchema).max(256)),
  })
  .refine(({ gasPrice, maxFeePerGas }) => gasPrice === null || maxFeePerGas === null, {
    message: 'both gasPrice and maxFeePerGas specified',
  })
  .transform((call) => ({
    from: call.from ?? zeroAddress,
    to: call.to,
    gas: call.gas,
    nonce: call.nonce,
    gasPrice: call.gasPrice,
    maxFeePerGas: call.maxFeePerGas,
    maxPriorityFeePerGas: call.maxPriorityFeePerGas,
    maxFeePerBlobGas: call.maxFeePerBlobGas,
    blobVersionedHashes: call.blobVersionedHashes,
    value: call.value ?? 0n,
    data: call.input ?? call.data ?? new Uint8Array(),
    accessList: call.accessList ?? [],
    authorizationList: call.authorizationList?.map(authorizationOf) ?? null,
  }))

const withdrawalSchema = z
  .object({
    index: quantitySchema,
    validatorIndex: quantitySchema,
    address: addressSchema,
    amount: quantitySchema,
  })
  .transform((fields) => createWithdrawal(fields))

const overridesSchema = z
  .looseObject({
    ...blockFields,
    beaconRoot: orNull(hashSchema),
    withdrawals: orNull(z.array(withdrawalSchema).max(16)),
  })
  .nullish()
  .transform((fields) => ({
    ...blockOverridesOf(fields ?? {}),
    beaconRoot: fields?.beaconRoot ?? null,
    withdrawals: fields?.withdrawals ?? [],
  }))

function payloadSchema(maxBlocks: number, maxCalls: number) {
  const blockSchema = z
    .looseObject({
      blockOverrides: overridesSchema,
      stateOverrides: stateOverridesSchema,
      calls: orNull(z.array(imaginedCallSchema).max(maxCalls)),
    })
    .transform(
      ({ blockOverrides, stateOverrides, calls }): ImaginedBlock => ({
        overrides: blockOverrides,
        state: stateOverrides,
        calls: calls ?? [],
      }),
    )
  const flag = z
    .boolean()
    .nullish()
    .transform((value) => value ?? false)
  return z.looseObject({
    blockStateCalls: z.array(blockSchema).min(1, 'empty input').max(maxBlocks),
    traceTransfers: flag,
    validation: flag,
    returnFullTransactions: flag,
  })
}

export function ethSimulateMethods(
  { maxSimulateGas, maxSimulateBlocks, maxSimulateCalls }: SimulateLimits,
  { chain }: Pick<RpcModules, 'chain'>,
): Methods {
  const payload = payloadSchema(maxSimulateBlocks, maxSimulateCalls)
  return {
    eth_simulateV1: method({ payload, block: blockOrLatestSchema }, async (given) => {
      const { blockStateCalls: blocks, traceTransfers, validation } = given.payload
      const calls = blocks.reduce((sum, block) => sum + block.calls.length, 0)
      if (calls > maxSimulateCalls)
        return refuse({ code: 'rpc/limit', what: 'calls', limit: maxSimulateCalls })
      const bounds = { gasCap: maxSimulateGas, maxBlocks: maxSimulateBlocks }
      const request = { blocks, traceTransfers, validation, ...bounds }
      const found = await atBlock(chain, given.block, (number) => chain.simulate(request, number))
      if (!found.ok) return found
      const simulated = found.value
      if (!simulated.ok) return refuse({ code: 'rpc/simulate', fault: simulated.fault })
      const full = given.payload.returnFullTransactions
      return ok(simulated.value.map((block) => formatSimulated(block, full)))
    }),
  }
}

function formatSimulated({ block, calls }: SimulatedBlock, full: boolean): JsonObject {
  const view = blockViewOf(block)
  let logIndex = 0
  return {
    ...formatBlock(view, full),
    calls: calls.map((call, index) => {
      const first = logIndex
      logIndex += call.logs.length
      return formatCall(call, view, index, first)
    }),
  }
}

function formatCall(
  call: ImaginedOutcome,
  { header, transactionHashes }: BlockView,
  index: number,
  firstLog: number,
): JsonObject {
  const transactionHash = transactionHashes[index]!
  return {
    returnData: toHex(call.returnData),
    logs: call.logs.map(({ address, topics, data }, i) =>
      formatLog(
        { address, topics, data: toHex(data) },
        { header, index, transactionHash, logIndex: firstLog + i },
      ),
    ),
    gasUsed: quantity(call.gasUsed),
    maxUsedGas: quantity(call.maxUsedGas),
    status: quantity(call.kind === 'success' ? 1 : 0),
    ...(call.kind === 'success' ? {} : { error: callError(call) }),
  }
}

function callError({ kind, reason, returnData }: ImaginedOutcome): JsonObject {
  return kind === 'revert'
    ? { code: 3, message: describeRevert(returnData), data: toHex(returnData) }
    : { code: -32015, message: reason }
}
