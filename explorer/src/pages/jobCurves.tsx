/**
 * How a job learns: the loss that its certificates tell, and the accuracy that this node measured.
 */
import type { VNode } from 'preact'
import type { CertificateWire, JobWire } from '../../../client/wire.ts'
import { lossCurve } from '../derive.ts'
import { countText, num, percentText } from '../format.ts'
import { type Measured, measuredOf, useCourse } from '../net/course.ts'
import { Chart } from '../ui/chart.tsx'
import { Card, Empty, Table } from '../ui/parts.tsx'

type CurvesProps = { readonly job: JobWire; readonly certificates: readonly CertificateWire[] }

export function Curves({ job, certificates }: CurvesProps): VNode {
  return (
    <div class="curves">
      <Card title="Loss">
        <Loss job={job} certificates={certificates} />
      </Card>
      <Card title="Accuracy" aside="this node's own measure, not proven">
        <Accuracy job={job} />
      </Card>
    </div>
  )
}

function Loss({ job, certificates }: CurvesProps): VNode {
  const { steps, losses } = lossCurve(certificates, job)
  if (steps.length < 2) return <Empty>The curve begins with the first certificate.</Empty>
  const smooth = losses.map((_, i) => {
    const window = losses.slice(Math.max(0, i - 9), i + 1)
    return window.reduce((a, b) => a + b, 0) / window.length
  })
  const first = smooth[0]!
  const last = smooth.at(-1)!
  return (
    <>
      <Chart
        label={`Loss a row, from ${countText(first)} to ${countText(last)} over ${steps.length} steps`}
        xs={steps}
        series={[
          { label: 'each step', colour: '--line-strong', values: losses },
          { label: 'mean of ten', colour: '--honey-deep', values: smooth },
        ]}
        height={220}
        xText={(value) => countText(value)}
      />
      <p class="soft small">
        Squared error a row, as the certificates tell it: {countText(first)} at first,{' '}
        {countText(last)} now ({percentText(last / Math.max(first, 1e-9))}). {evaluationText(job)}
      </p>
    </>
  )
}

/** What was proven of the finished model, on rows that it never saw. */
function evaluationText({ definition, evaluation, status }: JobWire): string {
  if (evaluation !== null) {
    const rows = num(evaluation.rows)
    const loss = countText(num(evaluation.loss) / rows)
    return `Evaluated and proven on ${countText(rows)} held-out rows: ${loss} a row.`
  }
  if (definition.heldOut === undefined) return 'No rows are held out for an evaluation.'
  const rows = countText(num(definition.heldOut.rows))
  return status === 'finished' || status === 'cancelled'
    ? 'It was not evaluated.'
    : `${rows} rows are held out for the evaluation at the end.`
}

const rowsText: Readonly<Record<Measured['on'], string>> = {
  heldOut: 'rows that are held out of training',
  training: 'of the rows it trains on, for the job holds none out',
}

function Accuracy({ job }: { readonly job: JobWire }): VNode {
  const course = useCourse(job)
  const points = measuredOf(course.data ?? [])
  const last = points.at(-1)
  if (last === undefined)
    return <Empty>The node measures each checkpoint whose weights and rows it holds.</Empty>
  const first = points[0]!
  return (
    <>
      <Chart
        label={`Accuracy, from ${percentText(first.accuracy)} after ${countText(first.step)} steps to ${percentText(last.accuracy)} after ${countText(last.step)}`}
        xs={points.map(({ step }) => step)}
        series={[
          {
            label: 'accuracy',
            colour: '--good',
            values: points.map(({ accuracy }) => accuracy),
          },
        ]}
        height={220}
        yRange={[0, 1]}
        yText={percentText}
        xText={(value) => countText(value)}
      />
      <p class="soft small" data-accuracy={last.accuracy} data-step={last.step}>
        Right on {percentText(last.accuracy)} of {countText(last.rows)} {rowsText[last.on]}, after{' '}
        {countText(last.step)} steps.
      </p>
      <details class="small">
        <summary>As a table</summary>
        <Table label="Accuracy of each checkpoint" columns={['After step#', 'Right#', 'Rows#']}>
          {points.map(({ step, accuracy, rows }) => (
            <tr key={step}>
              <td class="number">{countText(step)}</td>
              <td class="number">{percentText(accuracy)}</td>
              <td class="number">{countText(rows)}</td>
            </tr>
          ))}
        </Table>
      </details>
    </>
  )
}
