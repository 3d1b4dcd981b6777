/**
 * Points in time as ages that grow; only what is on the screen ticks.
 */
import type { VNode } from 'preact'
import { spanText, timeText } from '../format.ts'
import { createStore, type Store, useStore } from '../net/store.ts'

/** Unix seconds. */
const now: Store<number> = createStore(Date.now() / 1_000)
setInterval(() => {
  if (document.visibilityState === 'visible') now.set(Date.now() / 1_000)
}, 1_000)

export function Age({ at }: { readonly at: number }): VNode {
  const seconds = useStore(now) - at
  return (
    <time dateTime={new Date(1_000 * at).toISOString()} title={timeText(at)}>
      {seconds < 1.5 ? 'now' : `${spanText(seconds)} ago`}
    </time>
  )
}
