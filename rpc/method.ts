/**
 * A method: named parameters with schemas, and what it does. One description serves positional and
 * named parameters, refusals that name the parameter, and the OpenRPC document.
 */
import type { z } from 'zod'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { RpcFault } from './errors.ts'
import type { Json } from './wire.ts'

export type Answer = Result<Json, RpcFault>

/** What a call knows of its connection. Null subscriber: plain HTTP. */
export type CallContext = {
  readonly subscriber: Subscriber | null
  /** Whose share of limits it uses: the address at the far end. */
  readonly client: string
}

/** The far end of a connection that stays open. */
export type Subscriber = {
  /** Send text; a peer that does not read is cut off instead of being waited for. */
  readonly send: (text: string) => void
}

export type ParamShape = Readonly<Record<string, z.ZodType>>
type Values<S extends ParamShape> = { readonly [K in keyof S]: z.output<S[K]> }

export type Method = {
  /** In positional order. */
  readonly params: ParamShape
  readonly run: (params: unknown, context: CallContext) => Promise<Answer>
  /** What may be begun for all calls of a batch before the first is carried out. @default nothing */
  readonly prepare?: ((params: unknown) => Promise<void>) | undefined
}

export type Methods = Readonly<Record<string, Method>>

/** Describe a method; `run` is only called with parameters that passed their schemas. */
export function method<S extends ParamShape>(
  params: S,
  run: (values: Values<S>, context: CallContext) => Promise<Answer>,
  prepare?: (values: Values<S>) => Promise<void>,
): Method {
  return {
    params,
    run: async (given, context) => {
      const values = bindParams(params, given)
      return values.ok ? run(values.value as Values<S>, context) : values
    },
    prepare:
      prepare === undefined
        ? undefined
        : async (given) => {
            const values = bindParams(params, given)
            if (values.ok) await prepare(values.value as Values<S>)
          },
  }
}

/** A method without parameters whose answer is at hand. */
export function constant(read: () => Json): Method {
  return method({}, async () => ok(read()))
}

/** Match `given` (absent, a list or an object) with the schemas. */
function bindParams(
  shape: ParamShape,
  given: unknown,
): Result<Readonly<Record<string, unknown>>, RpcFault> {
  const names = Object.keys(shape)
  const named = nameParams(names, given)
  if (!named.ok) return named
  const values: Record<string, unknown> = {}
  for (const [i, name] of names.entries()) {
    const parsed = shape[name]!.safeParse(named.value.get(name))
    if (!parsed.success) return refuse(paramFault(i, name, parsed.error))
    values[name] = parsed.data
  }
  return ok(values)
}

function nameParams(
  names: readonly string[],
  given: unknown,
): Result<ReadonlyMap<string, unknown>, RpcFault> {
  if (given === undefined || given === null) return ok(new Map())
  if (!Array.isArray(given)) return checkNames(names, new Map(Object.entries(given)))
  const extra = given.slice(names.length)
  if (extra.some((value) => value !== null))
    return refuse({
      code: 'rpc/params',
      parameter: `argument ${names.length}`,
      why: 'too many arguments',
    })
  return ok(new Map(names.map((name, i) => [name, given[i] ?? undefined])))
}

function checkNames(
  names: readonly string[],
  given: ReadonlyMap<string, unknown>,
): Result<ReadonlyMap<string, unknown>, RpcFault> {
  const unknown = [...given.keys()].find((name) => !names.includes(name))
  if (unknown === undefined) return ok(given)
  return refuse({ code: 'rpc/params', parameter: unknown.slice(0, 80), why: 'no such parameter' })
}

function paramFault(index: number, name: string, error: z.ZodError): RpcFault {
  const { path, message } = error.issues[0]!
  const parameter = [name, ...path.map(String)].join('.')
  return { code: 'rpc/params', parameter: `argument ${index} (${parameter})`, why: message }
}
