/**
 * Decoded calls and logs, argument by argument.
 */
import type { VNode } from 'preact'
import { type Argument, type LogWire, readLog, type Told } from '../decode.ts'
import { coinsText, countText, num, shortHex } from '../format.ts'
import { HashText, Untrusted, Who } from './identity.tsx'
import { Badge, Empty } from './parts.tsx'

export function ToldView({ told }: { readonly told: Told }): VNode {
  return (
    <div>
      <p>
        <Badge tone="honey">{told.module}</Badge> <strong>{told.name}</strong>
      </p>
      <dl class="facts args">
        {told.args.map((argument) => (
          <>
            <dt>{argument.name}</dt>
            <dd>
              <Value argument={argument} />
            </dd>
          </>
        ))}
      </dl>
    </div>
  )
}

/** Entries of a list that are shown. */
const shownItems = 12

function Value({ argument }: { readonly argument: Argument }): VNode {
  const { name, type, value } = argument
  if (Array.isArray(value)) {
    const rest = value.length - shownItems
    return (
      <span>
        {value.slice(0, shownItems).map((item, i) => (
          <span key={String(i)}>
            {i > 0 && ', '}
            <Value argument={{ name, type: type.replace(/\[\d*\]$/, ''), value: item }} />
          </span>
        ))}
        {rest > 0 && ` and ${rest} more`}
      </span>
    )
  }
  if (typeof value === 'object' && value !== null)
    return (
      <span>
        {Object.entries(value).map(([key, field], i) => (
          <span key={key}>
            {i > 0 && ' · '}
            <span class="soft">{key}</span>{' '}
            <Value argument={{ name: key, type: typeName(field), value: field }} />
          </span>
        ))}
      </span>
    )
  if (type === 'address') return <Who address={String(value).toLowerCase()} />
  if (type === 'string') return <Untrusted text={String(value)} />
  if (type.startsWith('bytes')) return <BytesView name={name} hex={String(value)} />
  if (typeof value === 'bigint' && weiNames.has(name)) return <>{coinsText(value)} coins</>
  if (typeof value === 'bigint' || typeof value === 'number') return <>{countText(value)}</>
  return <>{String(value)}</>
}

/** Fields of structs come without their types. */
function typeName(value: unknown): string {
  const text = String(value)
  if (typeof value !== 'string') return ''
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return 'address'
  return text.startsWith('0x') ? 'bytes' : 'string'
}

/** Arguments that count wei. */
const weiNames: ReadonlySet<string> = new Set([
  'amount',
  'escrow',
  'fee',
  'openFee',
  'price',
  'refund',
  'reward',
  'rowPrice',
])
const jobNames: ReadonlySet<string> = new Set(['jobId', 'job'])
const dataNames: ReadonlySet<string> = new Set(['dataset', 'root'])

function BytesView({ name, hex }: { readonly name: string; readonly hex: string }): VNode {
  if (hex.length > 66)
    return (
      <span class="mono">
        {shortHex(hex, 16)} ({countText(hex.length / 2 - 1)} bytes)
      </span>
    )
  if (jobNames.has(name)) return <HashText hash={hex} to={`/job/${hex}`} kept={8} />
  if (dataNames.has(name)) return <HashText hash={hex} to={`/dataset/${hex}`} kept={8} />
  return <HashText hash={hex} kept={8} />
}

/** @param place - whether to say where each log is. */
export function Logs({
  logs,
  place = false,
}: {
  readonly logs: readonly LogWire[]
  readonly place?: boolean
}): VNode {
  if (logs.length === 0) return <Empty>No events.</Empty>
  return (
    <ul class="feed">
      {logs.map((log) => {
        const told = readLog(log)
        return (
          <li key={`${log.transactionHash} ${log.logIndex}`}>
            {told === null ? <RawLog log={log} /> : <ToldView told={told} />}
            {place && (
              <a class="when" href={`/transaction/${log.transactionHash}`}>
                block {countText(num(log.blockNumber))}
              </a>
            )}
          </li>
        )
      })}
    </ul>
  )
}

function RawLog({ log }: { readonly log: LogWire }): VNode {
  return (
    <div>
      <p>
        <Who address={log.address} />
      </p>
      <pre class="code">
        {log.topics.map((topic, i) => `topic ${i}  ${topic}\n`).join('')}
        {`data     ${log.data.slice(0, 2 + 512)}${log.data.length > 514 ? '…' : ''}`}
      </pre>
    </div>
  )
}
