/**
 * Subscriptions: new heads, logs, pending transactions, sync, jobs, certificates and accuracy,
 * pushed over WebSocket. One listener per event serves all subscribers; each result is spelled once.
 */
import { randomBytes } from 'node:crypto'
import { toHex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { mayContain } from './bloom.ts'
import type { RpcFault } from './errors.ts'
import { formatHeader, formatTransaction } from './format.ts'
import { matchingLogs } from './logs.ts'
import type { Subscriber } from './method.ts'
import type { RpcModules } from './modules.ts'
import type { LogFilter } from './schemas.ts'
import { type Json, toWire } from './wire.ts'

/** What is wanted. */
export type Topic =
  | { readonly name: 'newHeads' }
  | { readonly name: 'logs'; readonly filter: LogFilter }
  | { readonly name: 'newPendingTransactions'; readonly full: boolean }
  | { readonly name: 'syncing' }
  /** Null job: of every job. */
  | { readonly name: 'jobs'; readonly job: Hash | null }
  | { readonly name: 'certificates'; readonly job: Hash | null }
  | { readonly name: 'accuracy'; readonly job: Hash | null }

type Subscription = {
  readonly id: string
  readonly subscriber: Subscriber
  readonly topic: Topic
  /** Name of the notification, `eth_subscription` or `train_subscription`. */
  readonly notification: string
  /** Whether its id has been told: before that, the subscriber could not place a notification. */
  live: boolean
}

export type Subscriptions = {
  readonly open: (
    subscriber: Subscriber,
    topic: Topic,
    notification: string,
  ) => Result<string, RpcFault>
  /** Whether `id` was a subscription of this subscriber. */
  readonly close: (subscriber: Subscriber, id: string) => boolean
  /** Forget everything of a closed connection. */
  readonly drop: (subscriber: Subscriber) => void
  readonly count: () => number
  readonly stop: () => void
}

export type SubscriptionLimits = { readonly maxSubscriptions: number }

export function createSubscriptions(
  { maxSubscriptions }: SubscriptionLimits,
  { chain, events, report }: Pick<RpcModules, 'chain' | 'events' | 'report'>,
): Subscriptions {
  const open = new Map<Subscriber, Map<string, Subscription>>()
  /** Next block whose logs are due, and whether somebody is at it. */
  let nextLogs = 0n
  let pumping = false

  const stops = [
    events.onHead((block) => {
      publish('newHeads', () => formatHeader(block.header))
      pumpLogs().catch(report)
    }),
    events.onPendingTransaction(({ hash, view }) => {
      publish('newPendingTransactions', ({ full }) =>
        full ? formatTransaction(view(), null) : hash,
      )
    }),
    events.onSyncing((sync) => publish('syncing', () => toWire(sync) ?? false)),
    events.onJob((event) => publishWork('jobs', event)),
    events.onCertificate((certificate) => publishWork('certificates', certificate)),
    events.onAccuracy((measured) => publishWork('accuracy', measured)),
  ]

  function* of<N extends Topic['name']>(name: N): Iterable<readonly [Subscription, TopicOf<N>]> {
    for (const own of open.values())
      for (const subscription of own.values())
        if (subscription.live && subscription.topic.name === name)
          yield [subscription, subscription.topic as TopicOf<N>]
  }

  /** Tell everyone who asked; equal answers are spelled once. */
  function publish<N extends Topic['name']>(name: N, result: (topic: TopicOf<N>) => Json): void {
    const spelled = new Map<string, string>()
    for (const [subscription, topic] of of(name)) {
      const variant = JSON.stringify(topic)
      const text = spelled.get(variant) ?? JSON.stringify(result(topic))
      spelled.set(variant, text)
      push(subscription, text)
    }
  }

  function publishWork(
    name: 'jobs' | 'certificates' | 'accuracy',
    item: { readonly job: Hash },
  ): void {
    const text = JSON.stringify(toWire(item))
    for (const [subscription, { job }] of of(name))
      if (job === null || job === item.job) push(subscription, text)
  }

  /** Send the logs of every block up to the head, block by block, however many heads were announced. */
  async function pumpLogs(): Promise<void> {
    if (pumping) return
    pumping = true
    try {
      for (; nextLogs <= chain.head(); nextLogs++) await publishLogs(nextLogs)
    } finally {
      pumping = false
    }
  }

  async function publishLogs(number: bigint): Promise<void> {
    const header = await chain.header(number)
    if (header === null) return
    const wanted = [...of('logs')].filter(([, { filter }]) => mayContain(header.logsBloom, filter))
    if (wanted.length === 0) return
    const [block, receipts] = await Promise.all([chain.block(number), chain.receipts(number)])
    if (block === null || receipts === null) return
    for (const [subscription, { filter }] of wanted)
      for (const log of matchingLogs(block, receipts, filter))
        push(subscription, JSON.stringify(log))
  }

  function push({ id, subscriber, notification }: Subscription, result: string): void {
    const params = `{"subscription":"${id}","result":${result}}`
    subscriber.send(`{"jsonrpc":"2.0","method":"${notification}","params":${params}}`)
  }

  function add(
    subscriber: Subscriber,
    topic: Topic,
    notification: string,
  ): Result<string, RpcFault> {
    const own = open.get(subscriber) ?? new Map<string, Subscription>()
    if (own.size >= maxSubscriptions)
      return refuse({ code: 'rpc/limit', what: 'subscriptions', limit: maxSubscriptions })
    const id = toHex(Uint8Array.from(randomBytes(16)))
    if (topic.name === 'logs' && !hasAny('logs')) nextLogs = chain.head() + 1n
    const subscription = { id, subscriber, topic, notification, live: false }
    setImmediate(() => {
      subscription.live = true
    })
    own.set(id, subscription)
    open.set(subscriber, own)
    return ok(id)
  }

  function hasAny(name: Topic['name']): boolean {
    return [...open.values()].some((own) =>
      [...own.values()].some(({ topic }) => topic.name === name),
    )
  }

  return {
    open: add,
    close: (subscriber, id) => open.get(subscriber)?.delete(id) ?? false,
    drop: (subscriber) => {
      open.delete(subscriber)
    },
    count: () => [...open.values()].reduce((sum, own) => sum + own.size, 0),
    stop: () => {
      for (const stop of stops) stop()
      open.clear()
    },
  }
}

type TopicOf<N extends Topic['name']> = Extract<Topic, { name: N }>
