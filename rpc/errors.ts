/**
 * Refusals of the server and their wire form. Codes are those of JSON-RPC 2.0 (section 5.1), EIP-1474
 * and, for reverts, of common practice (code 3 with the revert data).
 */
import type { PoolFault } from '../mempool/poolFault.ts'
import type { Hex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import type { SimulateFault } from '../vm/simulateBlocks.ts'
import { poolRefusal } from './poolErrors.ts'
import { simulateError } from './simulateErrors.ts'
import { type Json, toWire } from './wire.ts'

/** What a request may be refused with. */
export type RpcFault =
  | { readonly code: 'rpc/parse'; readonly why: string }
  | { readonly code: 'rpc/request'; readonly why: string }
  | { readonly code: 'rpc/method'; readonly method: string }
  | { readonly code: 'rpc/params'; readonly parameter: string; readonly why: string }
  /** More than the server allows: `what` names the bound. */
  | { readonly code: 'rpc/limit'; readonly what: string; readonly limit: number }
  | {
      readonly code: 'rpc/forbidden'
      readonly what: 'host' | 'origin' | 'upload'
      readonly got: string
    }
  | { readonly code: 'rpc/notFound'; readonly what: string }
  /** A model's weights that its owner sells. */
  | {
      readonly code: 'rpc/payment'
      readonly model: Hash
      readonly price: bigint
      readonly why: string
    }
  | { readonly code: 'rpc/reverted'; readonly reason: string; readonly data: Hex }
  | { readonly code: 'rpc/execution'; readonly reason: string }
  | { readonly code: 'rpc/rejected'; readonly fault: PoolFault }
  | { readonly code: 'rpc/simulate'; readonly fault: SimulateFault }
  | { readonly code: 'rpc/transport'; readonly needs: 'WebSocket' }
  | { readonly code: 'rpc/timeout'; readonly limitMs: number }
  | { readonly code: 'rpc/internal' }

/** JSON-RPC 2.0 error object. */
export type RpcError = { readonly code: number; readonly message: string; readonly data?: Json }

type Describe<F extends RpcFault> = (fault: F) => RpcError

/** The only place where a fault becomes a wire error; a fault without an entry does not compile. */
const describers: { readonly [C in RpcFault['code']]: Describe<Extract<RpcFault, { code: C }>> } = {
  'rpc/parse': ({ why }) => ({ code: -32700, message: `parse error: ${why}` }),
  'rpc/request': ({ why }) => ({ code: -32600, message: `invalid request: ${why}` }),
  'rpc/method': ({ method }) => ({
    code: -32601,
    message: `the method ${method} does not exist/is not available`,
  }),
  'rpc/params': ({ parameter, why }) => ({
    code: -32602,
    message: `invalid ${parameter}: ${why}`,
    data: { parameter },
  }),
  'rpc/limit': ({ what, limit }) => ({
    code: -32005,
    message: `limit exceeded: ${what} (at most ${limit})`,
    data: { what, limit },
  }),
  'rpc/forbidden': ({ what, got }) => ({ code: -32600, message: `${what} not allowed: ${got}` }),
  'rpc/notFound': ({ what }) => ({ code: -32000, message: `${what} not found` }),
  'rpc/payment': ({ model, price, why }) => ({
    code: -32000,
    message: `the weights of model ${model} cost ${price} wei: ${why}`,
    data: { model, price: price.toString() },
  }),
  'rpc/reverted': ({ reason, data }) => ({ code: 3, message: reason, data }),
  'rpc/execution': ({ reason }) => ({ code: -32000, message: reason }),
  'rpc/rejected': ({ fault }) => ({
    code: -32000,
    message: poolRefusal(fault),
    data: toWire(fault),
  }),
  'rpc/simulate': ({ fault }) => simulateError(fault),
  'rpc/transport': ({ needs }) => ({ code: -32601, message: `this method needs a ${needs}` }),
  'rpc/timeout': ({ limitMs }) => ({ code: -32002, message: `timed out after ${limitMs} ms` }),
  'rpc/internal': () => ({ code: -32603, message: 'internal error' }),
}

export function toRpcError(fault: RpcFault): RpcError {
  const describe = describers[fault.code] as Describe<RpcFault>
  return describe(fault)
}
