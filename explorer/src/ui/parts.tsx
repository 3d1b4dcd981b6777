/**
 * The pieces that every page is made of.
 */
import type { ComponentChildren, VNode } from 'preact'
import type { Query } from '../net/node.ts'
import { Icon } from './icons.tsx'

export function PageHead({
  title,
  crumb,
  lede,
  children,
}: {
  readonly title: ComponentChildren
  readonly crumb?: ComponentChildren
  readonly lede?: ComponentChildren
  readonly children?: ComponentChildren
}): VNode {
  return (
    <div>
      {crumb !== undefined && <p class="crumb">{crumb}</p>}
      <div class="page-head">
        <h1>{title}</h1>
        {children}
      </div>
      {lede !== undefined && <p class="lede">{lede}</p>}
    </div>
  )
}

export function Card({
  title,
  aside,
  flush = false,
  children,
}: {
  readonly title: string
  readonly aside?: ComponentChildren
  /** Rows reach the card's edges. */
  readonly flush?: boolean
  readonly children: ComponentChildren
}): VNode {
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside !== undefined && <span class="aside">{aside}</span>}
      </header>
      <div class={flush ? 'body flush' : 'body'}>{children}</div>
    </section>
  )
}

export type Tile = {
  readonly label: string
  readonly value: ComponentChildren
  readonly unit?: string | undefined
  readonly note?: ComponentChildren
}

export function Tiles({ tiles }: { readonly tiles: readonly Tile[] }): VNode {
  return (
    <dl class="tiles">
      {tiles.map(({ label, value, unit, note }) => (
        <div class="tile" key={label}>
          <dt>{label}</dt>
          <dd>
            {value}
            {unit !== undefined && <small> {unit}</small>}
            {note !== undefined && <small class="note">{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  )
}

export type Tone = 'plain' | 'honey' | 'good' | 'bad' | 'calm'

export function Badge({
  tone = 'plain',
  children,
}: {
  readonly tone?: Tone
  readonly children: ComponentChildren
}): VNode {
  return (
    <span class="badge" data-tone={tone}>
      {children}
    </span>
  )
}

/** @param part - in [0, 1]. */
export function Progress({
  part,
  label,
}: {
  readonly part: number
  readonly label: string
}): VNode {
  const held = Math.min(1, Math.max(0, part))
  return (
    <span
      class="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(100 * held)}
      data-done={held === 1}
    >
      <i style={{ transform: `scaleX(${held})` }} />
    </span>
  )
}

export type Fact = readonly [name: string, value: ComponentChildren]

export function Facts({ facts }: { readonly facts: readonly Fact[] }): VNode {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  )
}

/** A table that scrolls sideways where it does not fit. */
export function Table({
  label,
  columns,
  children,
}: {
  readonly label: string
  /** A trailing `#` means numbers. */
  readonly columns: readonly string[]
  readonly children: ComponentChildren
}): VNode {
  return (
    // A region that scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    <section class="table-wrap" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col" class={column.endsWith('#') ? 'number' : ''}>
                {column.replace('#', '')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  )
}

export function Empty({ children }: { readonly children: ComponentChildren }): VNode {
  return (
    <div class="empty">
      <Icon name="hive" />
      <p>{children}</p>
    </div>
  )
}

/** What a query shows before it has an answer, and when it has none. */
export function Pending({
  query,
  nothing,
}: {
  readonly query: Query<unknown>
  readonly nothing?: string
}): VNode {
  if (query.error !== null)
    return (
      <p class="trouble" role="alert">
        The node refused: {query.error}
      </p>
    )
  return query.data === null && nothing !== undefined ? (
    <Empty>{nothing}</Empty>
  ) : (
    <div class="loading" role="status" aria-label="loading" />
  )
}
