/**
 * Filters: what a client without a lasting connection polls. A filter remembers where it stopped, not
 * what it saw, so it costs the same whether or not anyone polls; unpolled, it expires.
 */
import { randomBytes } from 'node:crypto'
import { toHex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { RpcFault } from './errors.ts'
import { type LogLimits, queryLogs } from './logs.ts'
import type { RpcModules } from './modules.ts'
import type { LogFilter } from './schemas.ts'
import type { Json } from './wire.ts'

export type FilterLimits = LogLimits & {
  readonly maxFilters: number
  /** Of one client's. */
  readonly maxFiltersPerClient: number
  /** A filter that nobody polls for this long is forgotten. */
  readonly filterExpiryMs: number
}

/** Pending transactions that one filter holds; older ones are dropped. */
const maxPendingHashes = 4_096

/** Block hashes of one answer; the next poll goes on after them. */
const maxBlockHashes = 4_096n

/** Blocks that a log filter watches; null ends are open. */
type LogWatch = {
  readonly filter: LogFilter
  readonly from: bigint | null
  readonly to: bigint | null
}

type Kind =
  | { readonly kind: 'logs'; readonly watch: LogWatch }
  | { readonly kind: 'blocks' }
  | { readonly kind: 'pending'; readonly hashes: Hash[] }

type Filter = Kind & {
  readonly client: string
  /** First block not yet reported. */
  next: bigint
  polledAt: number
}

export type Filters = {
  readonly watchLogs: (watch: LogWatch, client: string) => Result<string, RpcFault>
  readonly watchBlocks: (client: string) => Result<string, RpcFault>
  readonly watchPending: (client: string) => Result<string, RpcFault>
  /** What happened since the last poll. */
  readonly changes: (id: string) => Promise<Result<Json, RpcFault>>
  /** Everything a log filter matches. */
  readonly logs: (id: string) => Promise<Result<Json, RpcFault>>
  readonly remove: (id: string) => boolean
  readonly stop: () => void
}

export function createFilters(
  limits: FilterLimits,
  { chain, events, clock }: Pick<RpcModules, 'chain' | 'events' | 'clock'>,
): Filters {
  const filters = new Map<string, Filter>()

  const stop = events.onPendingTransaction(({ hash }) => {
    for (const filter of filters.values()) {
      if (filter.kind !== 'pending') continue
      filter.hashes.push(hash)
      if (filter.hashes.length > maxPendingHashes) filter.hashes.shift()
    }
  })

  function add(kind: Kind, client: string): Result<string, RpcFault> {
    forgetExpired()
    if (filters.size >= limits.maxFilters)
      return refuse({ code: 'rpc/limit', what: 'filters', limit: limits.maxFilters })
    const own = [...filters.values()].filter((filter) => filter.client === client).length
    if (own >= limits.maxFiltersPerClient)
      return refuse({
        code: 'rpc/limit',
        what: 'filters of one client',
        limit: limits.maxFiltersPerClient,
      })
    const id = toHex(Uint8Array.from(randomBytes(16)))
    filters.set(id, { ...kind, client, next: chain.head() + 1n, polledAt: clock.now() })
    return ok(id)
  }

  function forgetExpired(): void {
    const oldest = clock.now() - limits.filterExpiryMs
    for (const [id, { polledAt }] of filters) if (polledAt < oldest) filters.delete(id)
  }

  function find(id: string): Filter | null {
    forgetExpired()
    const filter = filters.get(id)
    if (filter === undefined) return null
    filter.polledAt = clock.now()
    return filter
  }

  async function changes(id: string): Promise<Result<Json, RpcFault>> {
    const filter = find(id)
    if (filter === null) return unknownFilter()
    if (filter.kind === 'pending') return ok(filter.hashes.splice(0))
    const from = filter.next
    const head = chain.head()
    if (from > head) return ok([])
    return filter.kind === 'blocks'
      ? blockChanges(filter, from, head)
      : logChanges(filter, from, head)
  }

  async function blockChanges(
    filter: Filter,
    from: bigint,
    head: bigint,
  ): Promise<Result<Json, RpcFault>> {
    const to = head - from < maxBlockHashes ? head : from + maxBlockHashes - 1n
    filter.next = to + 1n
    const hashes: Json[] = []
    for (let number = from; number <= to; number++) {
      const header = await chain.header(number)
      if (header !== null) hashes.push(header.hash)
    }
    return ok(hashes)
  }

  async function logChanges(
    filter: Extract<Filter, { kind: 'logs' }>,
    next: bigint,
    head: bigint,
  ): Promise<Result<Json, RpcFault>> {
    const { watch } = filter
    const from = watch.from !== null && watch.from > next ? watch.from : next
    const to = watch.to !== null && watch.to < head ? watch.to : head
    // At once, not when the logs are found: a poll that comes meanwhile must not report them again.
    filter.next = head + 1n
    const found = await queryLogs(chain, watch.filter, { from, to }, limits)
    if (!found.ok && next < filter.next) filter.next = next
    return found
  }

  async function logs(id: string): Promise<Result<Json, RpcFault>> {
    const filter = find(id)
    if (filter?.kind !== 'logs') return unknownFilter()
    const { filter: wanted, from, to } = filter.watch
    const head = chain.head()
    const last = to !== null && to < head ? to : head
    return queryLogs(chain, wanted, { from: from ?? head, to: last }, limits)
  }

  return {
    watchLogs: (watch, client) => add({ kind: 'logs', watch }, client),
    watchBlocks: (client) => add({ kind: 'blocks' }, client),
    watchPending: (client) => add({ kind: 'pending', hashes: [] }, client),
    changes,
    logs,
    remove: (id) => filters.delete(id),
    stop,
  }
}

function unknownFilter(): Result<never, RpcFault> {
  return refuse({ code: 'rpc/notFound', what: 'filter' })
}
