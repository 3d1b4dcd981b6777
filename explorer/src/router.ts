/**
 * Where the page is: paths of this origin, changed without loading anything.
 */
import { createStore, type Store } from './net/store.ts'

export const path: Store<string> = createStore(location.pathname)

addEventListener('popstate', () => path.set(location.pathname))

/** Follows links of the page's own; everything else is the browser's. */
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0) return
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = (event.target as Element).closest('a')
  if (link === null || link.origin !== location.origin) return
  if (link.hasAttribute('download') || link.target !== '' || isServed(link.pathname)) return
  event.preventDefault()
  goTo(link.pathname)
})

export function goTo(to: string): void {
  if (to !== location.pathname) history.pushState(null, '', to)
  path.set(to)
  scrollTo(0, 0)
}

/** Paths that the node answers itself. */
function isServed(to: string): boolean {
  return to.startsWith('/blob/') || to === '/health' || to === '/metrics'
}
