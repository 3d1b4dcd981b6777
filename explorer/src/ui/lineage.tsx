/**
 * Which models came of which data, as a graph: datasets on the left, models on the right, and on their
 * right which model started from which.
 */
import type { VNode } from 'preact'
import type { DatasetWire, ModelWire } from '../../../client/wire.ts'
import { countText, num, shortHex } from '../format.ts'
import { Empty } from './parts.tsx'

export type LineageProps = {
  readonly datasets: readonly DatasetWire[]
  readonly models: readonly ModelWire[]
}

const box = { width: 210, height: 44, gap: 14 }
const modelX = 430
/** Models drawn; the lists below have them all. */
const drawn = 14

export function Lineage({ datasets, models }: LineageProps): VNode {
  const newest = models.slice(-drawn)
  const roots = new Set(newest.map(({ dataset }) => dataset))
  const used = datasets.filter(({ root }) => roots.has(root))
  const sources = used.length > 0 ? used : datasets.slice(-4)
  if (sources.length === 0) return <Empty>Nothing is registered yet.</Empty>
  const rows = Math.max(sources.length, newest.length, 1)
  const height = rows * (box.height + box.gap)
  const yOf = (index: number, count: number) => (height * (index + 0.5)) / count
  const placeOf = new Map(sources.map(({ root }, i) => [root, yOf(i, sources.length)]))
  return (
    <svg
      class="drawing"
      viewBox={`0 0 ${modelX + box.width + 40} ${height}`}
      style={{ maxWidth: '46rem' }}
    >
      <title>
        {newest.length} models and the {sources.length} datasets they came of
      </title>
      {newest.map((model, i) => {
        const [from, to] = [placeOf.get(model.dataset), yOf(i, newest.length)]
        if (from === undefined) return null
        const middle = (box.width + modelX) / 2
        const bend = `M${box.width} ${from}C${middle} ${from} ${middle} ${to} ${modelX} ${to}`
        return <path key={model.job} d={bend} class="edge" />
      })}
      {newest.map((model, i) => {
        const parent = newest.findIndex(({ job }) => job === model.parent)
        if (parent === -1) return null
        const [right, above] = [modelX + box.width, yOf(parent, newest.length)]
        const to = yOf(i, newest.length)
        const bend = `M${right} ${above}C${right + 46} ${above} ${right + 46} ${to} ${right} ${to}`
        return <path key={model.job} d={bend} class="edge" />
      })}
      {sources.map((dataset, i) => (
        <a key={dataset.root} href={`/dataset/${dataset.root}`}>
          <Box
            x={1}
            y={yOf(i, sources.length)}
            kind="data"
            first={plain(dataset.title)}
            second={`${countText(num(dataset.rows))} rows`}
          />
        </a>
      ))}
      {newest.map((model, i) => (
        <a key={model.job} href={`/job/${model.job}`}>
          <Box
            x={modelX}
            y={yOf(i, newest.length)}
            kind="model"
            first={`model ${shortHex(model.job)}`}
            second={`block ${countText(num(model.height))}${royaltyText(model)}`}
          />
        </a>
      ))}
    </svg>
  )
}

/** What heirs of a model pay, if anything. */
function royaltyText({ terms }: ModelWire): string {
  const basisPoints = num(terms.royaltyBasisPoints)
  return basisPoints === 0 ? '' : `, royalty ${basisPoints / 100} %`
}

/** SVG text knows no isolation, so only signs that cannot reorder others are left. */
function plain(title: string): string {
  const kept = title.replace(/[^\p{Script=Latin}\p{N}\p{Zs}\p{Pd}.,:()'_/<>=+&%#@!?*]/gu, '').trim()
  return kept === '' ? 'dataset' : `${kept.slice(0, 26)}${kept.length > 26 ? '…' : ''}`
}

type BoxProps = {
  readonly x: number
  /** Of the middle. */
  readonly y: number
  readonly kind: 'data' | 'model'
  readonly first: string
  readonly second: string
}

function Box({ x, y, kind, first, second }: BoxProps): VNode {
  const top = y - box.height / 2
  return (
    <>
      <rect x={x} y={top} width={box.width} height={box.height} rx="9" class={`node-box ${kind}`} />
      <text x={x + 12} y={top + 19} class="strong">
        {first}
      </text>
      <text x={x + 12} y={top + 35}>
        {second}
      </text>
    </>
  )
}
