/**
 * The queue: every job that was opened, newest first.
 */
import type { VNode } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { JobWire } from '../../../client/wire.ts'
import { layersText, progressOf, secondsLeft, weightsOf, workCost } from '../derive.ts'
import { coinsText, countOf, countText, num, percentText, shortText, spanText } from '../format.ts'
import { lossesOf, measuredOf, useCourse } from '../net/course.ts'
import { jobs, network, recentBlocks, recentCertificates } from '../net/live.ts'
import { useStore } from '../net/store.ts'
import { HashText, Who } from '../ui/identity.tsx'
import { Badge, Card, Empty, PageHead, Progress, type Tone } from '../ui/parts.tsx'
import { Spark } from '../ui/spark.tsx'
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
        lede="Somebody pays, validators train. A job's steps are leased range by range; the fee of each range is paid when its certificate is settled. Accuracy is this node's own measure, not proven."
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
              <span class="end">Left</span>
              <span class="hide-small">Loss</span>
              <span class="hide-small">Accuracy</span>
              <span class="hide-small">Model</span>
              <span class="end hide-small">Cost</span>
              <span class="hide-small">Owner</span>
            </div>
            <Virtual
              label="Jobs"
              count={shown.length}
              rowHeight={58}
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
  const fee = BigInt(useStore(network)?.params.certificateFee ?? '0x0')
  const left = secondsLeft(job, useStore(recentCertificates), useStore(recentBlocks))
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
      <span class="end">{left === null ? '–' : spanText(left)}</span>
      <Sparks job={job} />
      <span class="hide-small">
        {layersText(job)}
        <br />
        <span class="small soft">{shortText(weights)} weights</span>
      </span>
      <span class="end hide-small">
        {coinsText(workCost(job, fee))}
        <br />
        <span class="small soft">{coinsText(BigInt(job.escrow))} held</span>
      </span>
      <span class="hide-small">
        <Who address={definition.owner} />
      </span>
    </div>
  )
}

/** Rows that are scrolled past ask the node nothing. */
const restMs = 150

function Sparks({ job }: { readonly job: JobWire }): VNode {
  const [isAtRest, setAtRest] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setAtRest(true), restMs)
    return () => clearTimeout(timer)
  }, [])
  const hasBegun = isAtRest && num(job.rangesDone) > 0
  return hasBegun ? (
    <LearningSparks job={job} />
  ) : (
    <>
      <span class="hide-small">–</span>
      <span class="hide-small">–</span>
    </>
  )
}

function LearningSparks({ job }: { readonly job: JobWire }): VNode {
  const course = useCourse(job).data ?? []
  const losses = lossesOf(course)
  const points = measuredOf(course)
  const loss = losses.at(-1)
  const last = points.at(-1)
  return (
    <>
      <span class="hide-small spark-cell">
        {loss === undefined ? (
          '–'
        ) : (
          <>
            <Spark
              label={`loss a row, from ${countText(losses[0]!)} to ${countText(loss)}`}
              values={losses}
              low={0}
            />
            {shortText(loss)}
          </>
        )}
      </span>
      <span class="hide-small spark-cell">
        {last === undefined ? (
          '–'
        ) : (
          <>
            <Spark
              label={`accuracy, up to step ${countText(last.step)}`}
              values={points.map(({ accuracy }) => accuracy)}
              low={0}
              high={1}
            />
            {percentText(last.accuracy)}
          </>
        )}
      </span>
    </>
  )
}
