/**
 * Every block, newest first; only those in sight are fetched.
 */
import type { VNode } from 'preact'
import { useCallback, useEffect, useState } from 'preact/hooks'
import { bytesText, countText, percentText, shortHex } from '../format.ts'
import { type BlockRow, fetchBlockRow, head, recentBlocks } from '../net/live.ts'
import { useStore } from '../net/store.ts'
import { colourOf, hexagon } from '../ui/identity.tsx'
import { Card, PageHead } from '../ui/parts.tsx'
import { Age } from '../ui/time.tsx'
import { Virtual } from '../ui/virtual.tsx'

/** Rows that stay at hand. */
const keptRows = 2_000

export function BlocksPage(): VNode {
  const height = useStore(head)
  const { rowAt, want } = useRows(height)
  return (
    <>
      <PageHead
        title="Blocks"
        lede="A block is final as soon as it is here: more than two thirds of the validators' power signed it."
      />
      <Card title={`${countText(Math.max(0, height + 1))} blocks`} flush>
        <div class="row head block-row" aria-hidden="true">
          <span>Block</span>
          <span>Age</span>
          <span>Proposer</span>
          <span class="end">Txs</span>
          <span class="end hide-small">Gas</span>
          <span class="end hide-small">Size</span>
        </div>
        <Virtual
          label="Blocks"
          count={height + 1}
          rowHeight={44}
          keyOf={(i) => height - i}
          row={(i) => <Row number={height - i} row={rowAt(height - i)} />}
          onSight={want}
        />
      </Card>
    </>
  )
}

/** Rows by number, fetched when they come in sight. */
function useRows(height: number) {
  const recent = useStore(recentBlocks)
  const [rows, setRows] = useState<ReadonlyMap<number, BlockRow>>(new Map())
  const [sight, setSight] = useState({ from: 0, to: 0 })
  const rowAt = (number: number) => recent[(recent[0]?.number ?? 0) - number] ?? rows.get(number)

  useEffect(() => {
    const missing: number[] = []
    for (let i = sight.from; i < sight.to; i++)
      if (height - i >= 0 && rowAt(height - i) === undefined) missing.push(height - i)
    if (missing.length === 0) return
    let isWanted = true
    // A list that flies by is not fetched.
    const timer = setTimeout(() => {
      Promise.all(missing.map(fetchBlockRow)).then(
        (found) => {
          if (!isWanted) return
          const added = found.flatMap((row) => (row === null ? [] : [[row.number, row] as const]))
          setRows((old) => new Map([...old, ...added].slice(-keptRows)))
        },
        () => {},
      )
    }, 60)
    return () => {
      isWanted = false
      clearTimeout(timer)
    }
  }, [sight, height])
  return { rowAt, want: useCallback((from: number, to: number) => setSight({ from, to }), []) }
}

function Row({
  number,
  row,
}: {
  readonly number: number
  readonly row: BlockRow | undefined
}): VNode {
  return (
    <a class="row block-row" href={`/block/${number}`}>
      <span>{countText(number)}</span>
      {row === undefined ? (
        <span class="soft">…</span>
      ) : (
        <>
          <span class="soft">
            <Age at={row.timestamp} />
          </span>
          <span class="who">
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d={hexagon} fill={colourOf(row.miner)} />
            </svg>
            <span class="mono">{shortHex(row.miner)}</span>
          </span>
          <span class="end">{countText(row.transactions)}</span>
          <span class="end hide-small">{percentText(row.gasUsed / row.gasLimit)}</span>
          <span class="end hide-small">{bytesText(row.size)}</span>
        </>
      )}
    </a>
  )
}
