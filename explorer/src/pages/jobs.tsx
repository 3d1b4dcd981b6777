/**
 * The queue: every job that was opened, newest first.
 */
import type { VNode } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { JobWire } from '../../../client/wire.ts'
import { layersText, progressOf, stepMacs, weightsOf } from '../derive.ts'
import { coinsText, countOf, macsText, num, percentText, shortText } from '../format.ts'
import { jobs } from '../net/live.ts'
import { useStore } from '../net/store.ts'
import { HashText, Who } from '../ui/identity.tsx'
import { Badge, Card, Empty, PageHead, Progress, type Tone } from '../ui/parts.tsx'
import { Virtual } from '../ui/virtual.tsx'

export const toneOf: Readonly<Record<JobWire['status'], Tone>> = {
  waiting: 'calm',
  active: 'honey',
  finished: 'good',
  cancelled: 'bad',
}

const filters = ['all', 'active', 'waiting', 'finished', 'cancelled'] as const
type Filter = (typeof filters)[number]

export function JobsPage(): VNode {
  const all = useStore(jobs)
  const [filter, setFilter] = useState<Filter>('all')
  const shown = useMemo(
    () => all.filter(({ status }) => filter === 'all' || status === filter).toReversed(),
    [all, filter],
  )
  return (
    <>
      <PageHead
        title="Jobs"
        lede="Somebody pays, validators train. A job's steps are leased range by range; the fee of each range is paid when its certificate is settled."
      />
      <Card
        title={countOf(shown.length, 'job')}
        aside={
          <label>
            Show{' '}
            <select
              value={filter}
              onChange={(event) => setFilter(event.currentTarget.value as Filter)}
            >
              {filters.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        }
        flush
      >
        {shown.length === 0 ? (
          <Empty>No such jobs.</Empty>
        ) : (
          <>
            <div class="row head job-row" aria-hidden="true">
              <span>Job</span>
              <span>Status</span>
              <span>Progress</span>
              <span class="hide-small">Model</span>
              <span class="end hide-small">Work</span>
              <span class="end hide-small">Escrow</span>
              <span class="hide-small">Owner</span>
            </div>
            <Virtual
              label="Jobs"
              count={shown.length}
              rowHeight={54}
              keyOf={(i) => shown[i]!.id}
              row={(i) => <JobRow job={shown[i]!} />}
            />
          </>
        )}
      </Card>
    </>
  )
}

function JobRow({ job }: { readonly job: JobWire }): VNode {
  const { definition } = job
  const weights = weightsOf(definition.layers.map(num))
  const work = stepMacs(job) * num(definition.steps)
  return (
    <div class="row job-row">
      <HashText hash={job.id} to={`/job/${job.id}`} kept={4} />
      <span>
        <Badge tone={toneOf[job.status]}>{job.status}</Badge>
      </span>
      <span>
        <Progress part={progressOf(job)} label={`progress of ${job.id}`} />
        <span class="small soft">{percentText(progressOf(job))}</span>
      </span>
      <span class="hide-small">
        {layersText(job)} <span class="soft small">{shortText(weights)} weights</span>
      </span>
      <span class="end hide-small">{macsText(work)} MAC</span>
      <span class="end hide-small">{coinsText(BigInt(job.escrow))}</span>
      <span class="hide-small">
        <Who address={definition.owner} />
      </span>
    </div>
  )
}
