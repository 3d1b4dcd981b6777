/**
 * Drawn signs; all are decoration beside text that says the same.
 */
import type { VNode } from 'preact'

const paths = {
  now: 'M13 3 5 14h6l-1 7 8-11h-6z',
  jobs: 'M4 19V9m5 10V5m5 14v-7m5 7V8',
  blocks: 'M12 3 20 7.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12 4 7.5',
  validators: 'M12 3l7 3v5c0 5-3.2 8-7 10-3.8-2-7-5-7-10V6zm-3 9 2.2 2.2L15.5 10',
  data: 'M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3zm0 0v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3',
  search: 'M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zm5 12 5 5',
  sun: 'M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zm0-6v2m0 16v2M4.9 4.9l1.4 1.4m11.4 11.4 1.4 1.4M2 12h2m16 0h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z',
  passed: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zm-4 9.2 2.8 2.8L16 9.5',
  refused: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM9 9l6 6m0-6-6 6',
  running: 'M12 3a9 9 0 1 1-9 9',
  waiting: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z',
  hive: 'M12 2.5 20.2 7v9.5L12 21.5 3.8 16.5V7zM12 8l4 2.3v4.2L12 17l-4-2.5v-4.2z',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M5 11h14v10H5z',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { readonly name: IconName }): VNode {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" class="icon">
      <path
        d={paths[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.8"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  )
}
