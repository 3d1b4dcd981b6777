/**
 * Light or dark: the system's choice until somebody chooses.
 */
import { createStore, type Store } from './net/store.ts'

export type Theme = 'light' | 'dark'

const key = 'waggle.theme'
const system = matchMedia('(prefers-color-scheme: dark)')

export const theme: Store<Theme> = createStore(chosen() ?? systems())

function systems(): Theme {
  return system.matches ? 'dark' : 'light'
}

function chosen(): Theme | null {
  const kept = localStorage.getItem(key)
  return kept === 'light' || kept === 'dark' ? kept : null
}

export function startTheme(): void {
  const show = () => {
    document.documentElement.dataset.theme = theme.get()
  }
  show()
  theme.subscribe(show)
  system.addEventListener('change', () => {
    if (chosen() === null) theme.set(systems())
  })
}

export function switchTheme(): void {
  const next = theme.get() === 'dark' ? 'light' : 'dark'
  localStorage.setItem(key, next)
  theme.set(next)
}
