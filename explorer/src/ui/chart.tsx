/**
 * Lines over a number axis, in the page's colours.
 */
import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { countText } from '../format.ts'
import { useStore } from '../net/store.ts'
import { theme } from '../theme.ts'

export type Series = {
  readonly label: string
  /** A custom property of the style sheet, or a colour. */
  readonly colour: string
  readonly values: readonly (number | null)[]
}

export type ChartProps = {
  /** Says what the picture shows, to those who do not see it. */
  readonly label: string
  readonly xs: readonly number[]
  readonly series: readonly Series[]
  readonly height?: number
  readonly yText?: (value: number) => string
  readonly xText?: (value: number) => string
  /** Ratio axis: equal factors are equal distances. */
  readonly isLog?: boolean
  /** Ends of the upright axis. @default those of the values */
  readonly yRange?: readonly [low: number, high: number]
}

export function Chart(props: ChartProps): VNode {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const mode = useStore(theme)
  const { label, xs, series, height = 220 } = props
  const data = [[...xs], ...series.map(({ values }) => [...values])] as uPlot.AlignedData
  const shape = JSON.stringify([series.map((one) => [one.label, one.colour]), height, mode])

  useEffect(() => {
    const element = box.current!
    const made = new uPlot(optionsOf(props, element), data, element)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [shape])
  useEffect(() => plot.current?.setData(data), [data])

  return (
    <figure>
      <div class="chart" ref={box} role="img" aria-label={label} />
      {series.length > 1 && (
        <figcaption class="legend">
          {series.map((one) => (
            <span key={one.label}>
              <i class="key" style={{ background: cssColour(one.colour) }} />
              {one.label}
            </span>
          ))}
        </figcaption>
      )}
    </figure>
  )
}

/** Blocks, steps and epochs are whole. */
const wholeSteps = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((power) =>
  [1, 2, 5].map((factor) => factor * 10 ** power),
)

function optionsOf(props: ChartProps, element: HTMLElement): uPlot.Options {
  const { series, height = 220, yText = countText, xText = countText } = props
  const resolve = (name: string) => colour(element, name)
  const axis = {
    stroke: resolve('--ink-soft'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: resolve('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: element.clientWidth,
    height,
    scales: { x: { time: false }, y: yScale(props) },
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    series: [
      {},
      ...series.map((one) => ({
        label: one.label,
        stroke: resolve(one.colour),
        fill: series.length === 1 ? `${hex(resolve(one.colour))}1f` : '',
        width: 2,
        points: { show: one.values.length < 30 },
        spanGaps: true,
      })),
    ] as uPlot.Series[],
    axes: [
      {
        ...axis,
        size: 28,
        incrs: wholeSteps,
        values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : xText(tick))),
      },
      {
        ...axis,
        size: 58,
        values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : yText(tick))),
      },
    ],
  }
}

function yScale({ isLog = false, yRange }: ChartProps): uPlot.Scale {
  if (isLog) return { distr: 3 }
  return yRange === undefined ? {} : { range: [yRange[0], yRange[1]] }
}

function cssColour(name: string): string {
  return name.startsWith('--') ? `var(${name})` : name
}

/** What a colour is at the moment, as `rgb(r, g, b)`. */
function colour(element: HTMLElement, name: string): string {
  const probe = document.createElement('i')
  probe.style.color = cssColour(name)
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

function hex(rgb: string): string {
  const parts = (rgb.match(/\d+/g) ?? ['0', '0', '0']).slice(0, 3)
  return `#${parts.map((part) => Number(part).toString(16).padStart(2, '0')).join('')}`
}
