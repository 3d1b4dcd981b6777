/**
 * JSON-RPC 2.0: envelopes, batches and notifications. Total: any text has an answer (or, for
 * notifications alone, none), and no answer grows beyond its bound.
 */
import { type Result, refuse } from '../primitives/result.ts'
import { type RpcFault, toRpcError } from './errors.ts'
import type { Answer } from './method.ts'

export type EnvelopeLimits = {
  /** Requests of one batch. */
  readonly maxBatch: number
  /** Characters of the answer to one request or batch. */
  readonly maxResponse: number
}

export type Dispatch = {
  /** Carry out one call; never throws. */
  readonly run: (method: string, params: unknown) => Promise<Answer>
  /** Told of each call of a batch before the first is carried out; never throws. */
  readonly prepare: (method: string, params: unknown) => Promise<void>
}

type Id = string | number | null
type Request = { readonly id: Id | undefined; readonly method: string; readonly params: unknown }

/** Answer the text of a request or batch; null: there is nothing to say. */
export async function answerText(
  text: string,
  dispatch: Dispatch,
  limits: EnvelopeLimits,
): Promise<string | null> {
  const parsed = parseJson(text)
  if (!parsed.ok) return refusalText(null, parsed.fault)
  if (!Array.isArray(parsed.value)) return answerOne(parsed.value, dispatch, limits.maxResponse)
  return answerBatch(parsed.value, dispatch, limits)
}

/** The text of a refusal that belongs to no request. */
export function refusalText(id: Id, fault: RpcFault): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: toRpcError(fault) })
}

async function answerBatch(
  batch: readonly unknown[],
  dispatch: Dispatch,
  { maxBatch, maxResponse }: EnvelopeLimits,
): Promise<string | null> {
  if (batch.length === 0) return refusalText(null, { code: 'rpc/request', why: 'empty batch' })
  if (batch.length > maxBatch)
    return refusalText(null, { code: 'rpc/limit', what: 'requests in a batch', limit: maxBatch })
  await Promise.all(batch.map((item) => prepareOne(item, dispatch)))
  const answers: string[] = []
  let left = maxResponse
  // One after another: a batch takes one caller's share of the node, however long it is.
  for (const item of batch) {
    const answer = await answerOne(item, dispatch, left)
    if (answer === null) continue
    answers.push(answer)
    left = Math.max(0, left - answer.length)
  }
  return answers.length === 0 ? null : `[${answers.join(',')}]`
}

async function prepareOne(item: unknown, dispatch: Dispatch): Promise<void> {
  const request = parseRequest(item)
  if (request.ok) await dispatch.prepare(request.value.method, request.value.params)
}

async function answerOne(
  item: unknown,
  dispatch: Dispatch,
  maxResponse: number,
): Promise<string | null> {
  const request = parseRequest(item)
  if (!request.ok) return refusalText(idOf(item), request.fault)
  const { id, method, params } = request.value
  const answer = await dispatch.run(method, params)
  if (id === undefined) return null
  if (!answer.ok) return refusalText(id, answer.fault)
  const text = JSON.stringify({ jsonrpc: '2.0', id, result: answer.value })
  return text.length <= maxResponse
    ? text
    : refusalText(id, { code: 'rpc/limit', what: 'characters in a response', limit: maxResponse })
}

function parseJson(text: string): Result<unknown, RpcFault> {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch (error) {
    return refuse({ code: 'rpc/parse', why: (error as Error).message.slice(0, 120) })
  }
}

function parseRequest(item: unknown): Result<Request, RpcFault> {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return invalid('not an object')
  const { jsonrpc, id, method, params } = item as Readonly<Record<string, unknown>>
  if (jsonrpc !== '2.0') return invalid('jsonrpc must be "2.0"')
  if (typeof method !== 'string' || method.length > 128) return invalid('method must be a name')
  if (id !== undefined && !isId(id)) return invalid('id must be a string, a number or null')
  if (params !== undefined && (typeof params !== 'object' || params === null) && params !== null)
    return invalid('params must be a list or an object')
  return { ok: true, value: { id, method, params } }
}

function invalid(why: string): Result<never, RpcFault> {
  return refuse({ code: 'rpc/request', why })
}

/** Ids come back verbatim, so they are bounded too. */
function isId(id: unknown): id is Id {
  return id === null || typeof id === 'number' || (typeof id === 'string' && id.length <= 256)
}

/** The id of a request that is otherwise wrong, if it has one. */
function idOf(item: unknown): Id {
  const id = (item as { readonly id?: unknown } | null)?.id
  return id !== undefined && isId(id) ? id : null
}
