/**
 * Who trained which range when: a lane for each worker, a bar for each certificate.
 */
import type { VNode } from 'preact'
import type { CertificateWire, JobWire, LeaseWire } from '../../../client/wire.ts'
import { countText, num, shortHex } from '../format.ts'
import { colourOf } from './identity.tsx'

export type TimelineProps = {
  readonly job: JobWire
  /** In range order. */
  readonly certificates: readonly CertificateWire[]
  readonly leases: readonly LeaseWire[]
  readonly missed: readonly { readonly holder: string; readonly block: number }[]
  readonly head: number
}

const lane = { height: 30, left: 118, width: 640 }
/** Bars drawn at most; older ones are in the list. */
const drawn = 400

export function Timeline(props: TimelineProps): VNode {
  const { job, leases, missed, head } = props
  const certificates = props.certificates.slice(-drawn)
  const before = props.certificates.length - certificates.length
  const begins = certificates.map((one, i) => beginOf(props, before + i, one))
  const start = begins[0] ?? num(job.rangeSince)
  const end = job.status === 'active' ? head : num(certificates.at(-1)?.blockNumber ?? job.openedAt)
  const x = (block: number) => lane.left + (lane.width * (block - start)) / Math.max(1, end - start)
  const holders = leases.flatMap(({ holder }) => (holder === null ? [] : [holder]))
  const workers = [
    ...new Set([
      ...certificates.map(({ worker }) => worker),
      ...missed.map(({ holder }) => holder),
      ...holders,
    ]),
  ]
  const yOf = (worker: string) => 8 + workers.indexOf(worker as never) * lane.height
  const height = workers.length * lane.height + 34
  return (
    <svg
      class="drawing"
      viewBox={`0 0 ${lane.left + lane.width + 12} ${height}`}
      role="img"
      aria-label={`${certificates.length} certified ranges by ${workers.length} workers, blocks ${start} to ${end}`}
    >
      {workers.map((worker) => (
        <g key={worker}>
          <line
            x1={lane.left}
            x2={lane.left + lane.width}
            y1={yOf(worker) + 11}
            y2={yOf(worker) + 11}
            class="lane"
          />
          <text x="0" y={yOf(worker) + 15}>
            {shortHex(worker)}
          </text>
        </g>
      ))}
      {certificates.map((one, i) => {
        const [from, to] = [x(begins[i]!), x(num(one.blockNumber))]
        return (
          <rect
            key={one.range}
            x={from}
            y={yOf(one.worker)}
            width={Math.max(3, to - from)}
            height="22"
            rx="5"
            fill={colourOf(one.worker)}
            class="lease"
          >
            <title>
              range {num(one.range)}, block {countText(num(one.blockNumber))}
            </title>
          </rect>
        )
      })}
      {leases.map((one) =>
        one.holder === null ? null : (
          <rect
            key={`lease ${one.range}`}
            x={x(num(job.rangeSince))}
            y={yOf(one.holder)}
            width={Math.max(6, x(end) - x(num(job.rangeSince)))}
            height="22"
            rx="5"
            fill={colourOf(one.holder)}
            fill-opacity="0.35"
            class="lease"
          >
            <title>range {num(one.range)}, running</title>
          </rect>
        ),
      )}
      {missed.map((one) => (
        <path
          key={`${one.holder} ${one.block}`}
          d={`M${x(one.block) - 6} ${yOf(one.holder) + 5}l12 12m0-12-12 12`}
          class="lease-missed"
        >
          <title>lease missed, block {countText(one.block)}</title>
        </path>
      ))}
      <text x={lane.left} y={height - 8}>
        block {countText(start)}
      </text>
      <text x={lane.left + lane.width} y={height - 8} text-anchor="end">
        block {countText(end)}
      </text>
    </svg>
  )
}

/** A range opens in the block that settled the one before. */
function beginOf(
  { job, certificates }: TimelineProps,
  index: number,
  one: CertificateWire,
): number {
  const before = certificates[index - 1]
  if (before !== undefined && num(before.range) === num(one.range) - 1)
    return num(before.blockNumber)
  return Math.min(num(job.openedAt), num(one.blockNumber))
}
