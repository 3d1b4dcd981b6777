/**
 * What is happening: blocks that arrive, who trains what, and how the network is.
 */
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import type { LeaseWire } from '../../../client/wire.ts'
import { blockSeconds, layersText, macsPerSecond, progressOf, secondsLeft } from '../derive.ts'
import { countOf, countText, macsText, num, percentText, spanText } from '../format.ts'
import { participationOf, useParticipation, usePool } from '../net/health.ts'
import { head, jobs, recentBlocks, recentCertificates } from '../net/live.ts'
import { node, useQuery } from '../net/node.ts'
import { useStore } from '../net/store.ts'
import { Chart } from '../ui/chart.tsx'
import { Honeycomb } from '../ui/honeycomb.tsx'
import { HashText, Who } from '../ui/identity.tsx'
import { Badge, Card, Empty, PageHead, Progress, Table, Tiles } from '../ui/parts.tsx'
import { Age } from '../ui/time.tsx'

export function NowPage(): VNode {
  return (
    <>
      <PageHead
        title="The hive, now"
        lede="Validators earn the right to propose blocks by training models that people pay for. Every step is certified on the chain."
      />
      <Figures />
      <Comb />
      <div class="columns wide-left">
        <div class="stack">
          <Training />
          <Leases />
        </div>
        <div class="stack">
          <NewCertificates />
          <Pace />
        </div>
      </div>
    </>
  )
}

function Figures(): VNode {
  const blocks = useStore(recentBlocks)
  const all = useStore(jobs)
  const certificates = useStore(recentCertificates)
  const participation = useParticipation()
  const pool = usePool()
  const seconds = blockSeconds(blocks)
  const active = all.filter(({ status }) => status === 'active').length
  const waiting = all.filter(({ status }) => status === 'waiting').length
  const signed = participationOf(participation.data ?? [])
  return (
    <Tiles
      tiles={[
        {
          label: 'Height',
          value: blocks[0] === undefined ? '–' : countText(blocks[0].number),
          note: blocks[0] === undefined ? '' : <Age at={blocks[0].timestamp} />,
        },
        {
          label: 'Block time',
          value: seconds === null ? '–' : seconds.toFixed(2),
          unit: 's',
          note: 'last 50 blocks',
        },
        {
          label: 'Certified work',
          value: macsText(macsPerSecond(blocks, certificates, all)),
          unit: 'MAC/s',
          note: `last ${blocks.length} blocks`,
        },
        { label: 'Jobs training', value: active, note: `${waiting} waiting` },
        {
          label: 'Signing',
          value: signed === null ? '–' : percentText(signed),
          note: `${countOf(participation.data?.length ?? 0, 'validator')}, this epoch`,
        },
        {
          label: 'Transactions waiting',
          value: pool.data === null ? '–' : countText(num(pool.data.pending)),
          note: countOf(pool.data === null ? 0 : num(pool.data.peers), 'peer'),
        },
      ]}
    />
  )
}

function Comb(): VNode {
  const blocks = useStore(recentBlocks)
  const certificates = useStore(recentCertificates)
  const settled = useMemo(() => {
    const counts = new Map<number, number>()
    for (const { blockNumber } of certificates)
      counts.set(num(blockNumber), (counts.get(num(blockNumber)) ?? 0) + 1)
    return counts
  }, [certificates])
  const isNarrow = matchMedia('(max-width: 40rem)').matches
  return (
    <Card title="Blocks" aside={<a href="/blocks">all blocks</a>}>
      <Honeycomb blocks={blocks} certificates={settled} columns={isNarrow ? 9 : 26} rows={4} />
      <p class="soft small">
        A cell is a block in its proposer's colour; a dot is a certified piece of training.
      </p>
    </Card>
  )
}

function Training(): VNode {
  const all = useStore(jobs)
  const certificates = useStore(recentCertificates)
  const blocks = useStore(recentBlocks)
  const running = all.filter(({ status }) => status === 'active')
  const shown = (running.length > 0 ? running : all.slice(-3)).slice(0, 8)
  return (
    <Card
      title={running.length > 0 ? 'In training' : 'Latest jobs'}
      aside={<a href="/jobs">all {countOf(all.length, 'job')}</a>}
      flush
    >
      {shown.length === 0 ? (
        <Empty>No jobs yet. Open one with `waggle job open`.</Empty>
      ) : (
        <Table label="Jobs in training" columns={['Job', 'Model', 'Progress', 'Loss#', 'Left#']}>
          {shown.map((job) => {
            const own = certificates.filter((one) => one.job === job.id)
            const left = secondsLeft(job, certificates, blocks)
            const loss = own[0]?.losses.at(-1)
            return (
              <tr key={job.id}>
                <td>
                  <HashText hash={job.id} to={`/job/${job.id}`} kept={4} />
                </td>
                <td>{layersText(job)}</td>
                <td>
                  <Progress part={progressOf(job)} label={`steps of ${job.id}`} />
                  <span class="small soft">
                    {countText(num(job.stepsDone))} of {countText(num(job.definition.steps))} steps
                  </span>
                </td>
                <td class="number">
                  {loss === undefined ? '–' : countText(num(loss) / num(job.definition.batch))}
                </td>
                <td class="number">
                  {job.status !== 'active' ? job.status : left === null ? '–' : spanText(left)}
                </td>
              </tr>
            )
          })}
        </Table>
      )}
    </Card>
  )
}

function Leases(): VNode {
  const height = useStore(head)
  const leases = useQuery(() => node.call<readonly LeaseWire[]>('train_listLeases'), [height])
  const items = leases.data ?? []
  return (
    <Card title="Who trains what" aside={countOf(items.length, 'lease')} flush>
      {items.length === 0 ? (
        <Empty>No piece of training is leased at the moment.</Empty>
      ) : (
        <Table label="Leases" columns={['Worker', 'Job', 'Steps', 'Time left']}>
          {items.slice(0, 40).map((lease) => (
            <tr key={`${lease.job} ${lease.range}`}>
              <td>
                {lease.holder === null ? (
                  <span class="soft">open to {lease.able.length}</span>
                ) : (
                  <Who address={lease.holder} />
                )}
              </td>
              <td>
                <HashText hash={lease.job} to={`/job/${lease.job}`} kept={4} />
              </td>
              <td>
                {countText(num(lease.fromStep) + 1)}–
                {countText(num(lease.fromStep) + num(lease.steps))}
                {num(lease.attempt) > 0 && (
                  <Badge tone="bad">attempt {num(lease.attempt) + 1}</Badge>
                )}
              </td>
              <td>
                <TimeLeft lease={lease} height={height} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

function TimeLeft({
  lease,
  height,
}: {
  readonly lease: LeaseWire
  readonly height: number
}): VNode {
  const [start, end] = [num(lease.start), num(lease.end)]
  const left = Math.max(0, end - height - 1)
  return (
    <>
      <Progress part={left / Math.max(1, end - start + 1)} label="blocks left of the lease" />
      <span class="small soft">{countText(left)} blocks</span>
    </>
  )
}

function NewCertificates(): VNode {
  const certificates = useStore(recentCertificates)
  return (
    <Card title="Newest certificates" flush>
      {certificates.length === 0 ? (
        <Empty>No training was certified yet.</Empty>
      ) : (
        <ul class="feed">
          {certificates.slice(0, 8).map((one) => (
            <li key={`${one.job} ${one.range}`} class="fresh">
              <Who address={one.worker} />
              <a href={`/certificate/${one.job}/${num(one.range)}`}>
                {countText(num(one.steps))} steps
              </a>
              <a class="when" href={`/block/${num(one.blockNumber)}`}>
                block {countText(num(one.blockNumber))}
              </a>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function Pace(): VNode {
  const blocks = useStore(recentBlocks)
  // Genesis may be years older than the block after it.
  const oldestFirst = blocks.filter(({ number }) => number > 0).toReversed()
  const xs = oldestFirst.slice(1).map(({ number }) => number)
  const seconds = oldestFirst
    .slice(1)
    .map((block, i) => block.timestamp - oldestFirst[i]!.timestamp)
  return (
    <Card title="Seconds between blocks">
      {xs.length < 2 ? (
        <Empty>Waiting for blocks.</Empty>
      ) : (
        <Chart
          label={`Seconds between the newest ${xs.length} blocks`}
          xs={xs}
          series={[{ label: 'seconds', colour: '--honey-deep', values: seconds }]}
          height={170}
          yText={(value) => `${value} s`}
        />
      )}
    </Card>
  )
}
