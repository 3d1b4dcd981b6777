/**
 * One job: its model, its progress, who did what, and the model to try.
 */
import type { VNode } from 'preact'
import type { CertificateWire, JobWire, LeaseWire, PageWire } from '../../../client/wire.ts'
import { moduleAddresses } from '../../../params/protocol.ts'
import type { Hex } from '../../../primitives/bytes.ts'
import { type LogWire, readLog } from '../decode.ts'
import { layersText, progressOf, secondsLeft, stepMacs, weightsOf } from '../derive.ts'
import { coinsText, countOf, countText, macsText, num, spanText } from '../format.ts'
import { head, hex, jobs, network, recentBlocks, recentCertificates } from '../net/live.ts'
import { node, useQuery } from '../net/node.ts'
import { useStore } from '../net/store.ts'
import { TryModel } from '../try/tryModel.tsx'
import { Architecture } from '../ui/architecture.tsx'
import { FullHash, HashText, Who } from '../ui/identity.tsx'
import { Badge, Card, Empty, Facts, PageHead, Pending, Progress, Tiles } from '../ui/parts.tsx'
import { Timeline } from '../ui/timeline.tsx'
import { Virtual } from '../ui/virtual.tsx'
import { Curves } from './jobCurves.tsx'
import { toneOf } from './jobs.tsx'
import type { PageProps } from './registry.ts'

export function JobPage({ params }: PageProps): VNode {
  const id = params.id!.toLowerCase()
  const live = useStore(jobs).find((one) => one.id === id)
  const asked = useQuery(() => node.call<JobWire | null>('train_getJob', id), [id])
  const job = live ?? asked.data
  if (job === null) return <Pending query={asked} nothing="No job has this name." />
  return <JobView job={job} />
}

function JobView({ job }: { readonly job: JobWire }): VNode {
  const certificates = useCertificates(job)
  const { definition } = job
  const layers = definition.layers.map(num)
  const isTrained = num(job.rangesDone) > 0
  return (
    <>
      <PageHead
        crumb={
          <>
            <a href="/jobs">Jobs</a> / {layersText(job)}
          </>
        }
        title={`Training ${layersText(job)}`}
      >
        <Badge tone={toneOf[job.status]}>{job.status}</Badge>
      </PageHead>
      <Figures job={job} certificates={certificates} />
      <Curves job={job} certificates={certificates} />
      <div class="columns wide-left">
        <div class="stack">
          <Card title="Leases" aside="who trained which range, block by block">
            <Leases job={job} certificates={certificates} />
          </Card>
          {isTrained && (
            <Card title="Try the model" aside={`after ${countText(num(job.stepsDone))} steps`}>
              <TryModel job={job} />
            </Card>
          )}
          <Card title="Certificates" aside={countText(certificates.length)} flush>
            <Certificates job={job} items={certificates} />
          </Card>
        </div>
        <div class="stack">
          <Card title="Model" aside={`${countText(weightsOf(layers))} weights`}>
            <Architecture layers={layers} />
          </Card>
          <Definition job={job} />
        </div>
      </div>
    </>
  )
}

/** All of them, in range order; fetched once, then as they come. */
function useCertificates(job: JobWire): readonly CertificateWire[] {
  const live = useStore(recentCertificates)
  const first = useQuery(async () => {
    const all: CertificateWire[] = []
    for (let cursor: Hex | null = '0x0'; cursor !== null; ) {
      const page: PageWire<CertificateWire> = await node.call('train_listCertificates', job.id, {
        cursor,
        limit: 100,
      })
      all.push(...page.items)
      cursor = page.next
    }
    return all
  }, [job.id])
  const byRange = new Map((first.data ?? []).map((one) => [num(one.range), one]))
  for (const one of live) if (one.job === job.id) byRange.set(num(one.range), one)
  return [...byRange.values()].sort((a, b) => num(a.range) - num(b.range))
}

type JobProps = { readonly job: JobWire; readonly certificates: readonly CertificateWire[] }

function Figures({ job, certificates }: JobProps): VNode {
  const left = secondsLeft(job, certificates.toReversed().slice(0, 50), useStore(recentBlocks))
  const paid = certificates.reduce((sum, { fee }) => sum + BigInt(fee), 0n)
  const total = stepMacs(job) * num(job.definition.steps)
  const eta = left === null ? null : spanText(left)
  return (
    <Tiles
      tiles={[
        {
          label: 'Steps',
          value: countText(num(job.stepsDone)),
          unit: `of ${countText(num(job.definition.steps))}`,
          note: <Progress part={progressOf(job)} label="steps certified" />,
        },
        {
          label: 'Ranges',
          value: countText(num(job.rangesDone)),
          unit: `of ${countText(num(job.ranges))}`,
          note: `${num(job.definition.leaseSteps)} steps each`,
        },
        {
          label: 'Work',
          value: macsText(total),
          unit: 'MAC',
          note: `${macsText(stepMacs(job))} a step`,
        },
        {
          label: 'Paid so far',
          value: coinsText(paid),
          unit: 'coins',
          note: `${coinsText(BigInt(job.escrow))} in escrow`,
        },
        {
          label: 'Time left',
          value: eta ?? (job.status === 'active' ? '–' : job.status),
          note: eta === null ? '' : 'at the pace of the last ranges',
        },
      ]}
    />
  )
}

function Leases({ job, certificates }: JobProps): VNode {
  const height = useStore(head)
  useStore(network)
  const leases = useQuery(
    () => node.call<readonly LeaseWire[]>('train_listLeases', { job: job.id }),
    [job.id, job.status === 'active' ? height : 0],
  )
  const missed = useQuery(() => missedLeases(job), [job.id, job.rangesDone])
  if (certificates.length === 0 && (leases.data ?? []).length === 0)
    return <Empty>No range has been leased yet.</Empty>
  return (
    <Timeline
      job={job}
      certificates={certificates}
      leases={leases.data ?? []}
      missed={missed.data ?? []}
      head={height}
    />
  )
}

/** Blocks of one query for logs. */
const logWindow = 9_000

async function missedLeases(
  job: JobWire,
): Promise<readonly { readonly holder: string; readonly block: number }[]> {
  const from = Math.max(num(job.openedAt), head.get() - logWindow)
  const logs = await node.call<readonly LogWire[]>('eth_getLogs', {
    address: moduleAddresses.jobs,
    topics: [null, job.id],
    fromBlock: hex(Math.max(0, from)),
  })
  return logs.flatMap((log) => {
    const told = readLog(log)
    if (told?.name !== 'LeaseMissed') return []
    const holder = told.args.find(({ name }) => name === 'holder')?.value
    return [{ holder: String(holder).toLowerCase(), block: num(log.blockNumber) }]
  })
}

function Definition({ job }: { readonly job: JobWire }): VNode {
  const { definition } = job
  return (
    <Card title="Terms">
      <Facts
        facts={[
          ['Job', <FullHash key="job" hash={job.id} what="the job's name" />],
          ['Owner', <Who key="owner" address={definition.owner} />],
          [
            'Dataset',
            <HashText
              key="data"
              hash={definition.dataset}
              to={`/dataset/${definition.dataset}`}
              kept={8}
            />,
          ],
          [
            'Proof',
            definition.proofKind === 'replay' ? 'done again by judges' : definition.proofKind,
          ],
          ...(definition.heldOut === undefined
            ? []
            : ([['Held out', <HeldOut key="held" job={job} />]] as const)),
          ['Batch', `${countText(num(definition.batch))} rows`],
          ['Price', `${countText(BigInt(definition.pricePerMac))} wei a MAC`],
          [
            'Opened',
            <a key="opened" href={`/block/${num(job.openedAt)}`}>
              block {countText(num(job.openedAt))}
            </a>,
          ],
          [
            'Weights',
            job.weights === null ? (
              'none yet'
            ) : (
              <a href={`/blob/${job.weights}`} download={`${job.id.slice(0, 10)}.weights`}>
                download
              </a>
            ),
          ],
        ]}
      />
    </Card>
  )
}

function HeldOut({ job }: { readonly job: JobWire }): VNode {
  const { dataset, heldOut } = job.definition
  const rows = countOf(num(heldOut?.rows ?? '0x0'), 'row')
  if (heldOut === undefined || heldOut.dataset === dataset) return <>{rows} of its dataset</>
  return (
    <>
      {rows} of <a href={`/dataset/${heldOut.dataset}`}>another dataset</a>
    </>
  )
}

function Certificates({
  job,
  items,
}: {
  readonly job: JobWire
  readonly items: readonly CertificateWire[]
}): VNode {
  if (items.length === 0) return <Empty>No range is certified yet.</Empty>
  const newest = items.toReversed()
  return (
    <>
      <div class="row head certificate-row" aria-hidden="true">
        <span>Range</span>
        <span>Worker</span>
        <span class="end">Loss a row</span>
        <span class="end hide-small">Fee</span>
        <span class="end">Block</span>
      </div>
      <Virtual
        label="Certificates"
        count={newest.length}
        rowHeight={44}
        keyOf={(i) => newest[i]!.range}
        row={(i) => {
          const one = newest[i]!
          return (
            <div class="row certificate-row">
              <a href={`/certificate/${one.job}/${num(one.range)}`}>
                {num(one.range)}{' '}
                <span class="soft small range-steps">({num(one.steps)} steps)</span>
              </a>
              <Who address={one.worker} />
              <span class="end">{lastLoss(one, job)}</span>
              <span class="end hide-small">{coinsText(BigInt(one.fee))}</span>
              <a class="end" href={`/block/${num(one.blockNumber)}`}>
                {countText(num(one.blockNumber))}
              </a>
            </div>
          )
        }}
      />
    </>
  )
}

function lastLoss({ losses }: CertificateWire, { definition }: JobWire): string {
  const last = losses.at(-1)
  return last === undefined ? '–' : countText(num(last) / num(definition.batch))
}
