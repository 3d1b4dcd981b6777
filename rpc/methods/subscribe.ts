/**
 * `eth_subscribe` and its alias `train_subscribe`, with their ends.
 */
import { z } from 'zod'
import { ok, type Result, refuse } from '../../primitives/result.ts'
import type { RpcFault } from '../errors.ts'
import { type Method, type Methods, method } from '../method.ts'
import { hashSchema, logFilterSchema } from '../schemas.ts'
import type { Subscriptions, Topic } from '../subscriptions.ts'

const names = [
  'newHeads',
  'logs',
  'newPendingTransactions',
  'syncing',
  'jobs',
  'certificates',
  'accuracy',
] as const satisfies readonly Topic['name'][]

const workFilterSchema = z.strictObject({ job: hashSchema.nullish() }).nullish()
const noTopics = { addresses: null, topics: [] } as const

export function subscribeMethods(subscriptions: Subscriptions): Methods {
  const subscribe = (notification: string): Method =>
    method(
      { name: z.enum(names), options: z.unknown().optional() },
      async ({ name, options }, { subscriber }) => {
        if (subscriber === null) return needsWebSocket()
        const topic = topicOf(name, options)
        return topic.ok ? subscriptions.open(subscriber, topic.value, notification) : topic
      },
    )
  const unsubscribe = method({ subscription: z.string().max(66) }, async (own, { subscriber }) =>
    subscriber === null ? needsWebSocket() : ok(subscriptions.close(subscriber, own.subscription)),
  )
  return {
    eth_subscribe: subscribe('eth_subscription'),
    eth_unsubscribe: unsubscribe,
    train_subscribe: subscribe('train_subscription'),
    train_unsubscribe: unsubscribe,
  }
}

function topicOf(name: Topic['name'], options: unknown): Result<Topic, RpcFault> {
  switch (name) {
    case 'newHeads':
    case 'syncing':
      return ok({ name })
    case 'logs':
      return parse(logFilterSchema.nullish(), options, (filter) => ({
        name,
        filter: filter ?? noTopics,
      }))
    case 'newPendingTransactions':
      return parse(z.boolean().nullish(), options, (full) => ({ name, full: full ?? false }))
    case 'jobs':
    case 'certificates':
    case 'accuracy':
      return parse(workFilterSchema, options, (filter) => ({ name, job: filter?.job ?? null }))
    default:
      return name satisfies never
  }
}

function parse<T>(
  schema: z.ZodType<T>,
  options: unknown,
  topic: (value: T) => Topic,
): Result<Topic, RpcFault> {
  const parsed = schema.safeParse(options)
  if (parsed.success) return ok(topic(parsed.data))
  const { path, message } = parsed.error.issues[0]!
  const parameter = `argument 1 (${['options', ...path.map(String)].join('.')})`
  return refuse({ code: 'rpc/params', parameter, why: message })
}

function needsWebSocket(): Result<never, RpcFault> {
  return refuse({ code: 'rpc/transport', needs: 'WebSocket' })
}
