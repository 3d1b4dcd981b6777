/**
 * A list of any length that draws only the rows in sight.
 */
import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

export type VirtualProps = {
  readonly label: string
  readonly count: number
  /** Pixels of every row. */
  readonly rowHeight: number
  readonly row: (index: number) => ComponentChildren
  /** Identity of a row: it keeps its element while it moves. */
  readonly keyOf: (index: number) => string | number
  /** Told which rows are drawn. */
  readonly onSight?: (from: number, to: number) => void
}

/** Rows drawn above and below what is seen. */
const spare = 8
/** Browsers lose precision in taller boxes. */
const maxPixels = 8_000_000

export function Virtual(props: VirtualProps): VNode {
  const { label, rowHeight, row, keyOf, onSight } = props
  const count = Math.min(props.count, Math.floor(maxPixels / rowHeight))
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 600 })

  useLayoutEffect(() => {
    const element = box.current!
    const read = () => setView({ top: element.scrollTop, height: element.clientHeight })
    read()
    const observer = new ResizeObserver(read)
    observer.observe(element)
    element.addEventListener('scroll', read, { passive: true })
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', read)
    }
  }, [])

  const from = Math.max(0, Math.floor(view.top / rowHeight) - spare)
  const to = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + spare)
  useEffect(() => onSight?.(from, to), [from, to, count, onSight])

  const rows = []
  for (let i = from; i < to; i++)
    rows.push(
      <li
        key={keyOf(i)}
        aria-setsize={count}
        aria-posinset={i + 1}
        style={{ top: `${i * rowHeight}px`, height: `${rowHeight}px` }}
      >
        {row(i)}
      </li>,
    )
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    <section class="virtual" ref={box} aria-label={label} tabIndex={0}>
      <ol style={{ height: `${count * rowHeight}px` }}>{rows}</ol>
    </section>
  )
}
