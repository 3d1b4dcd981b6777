/**
 * Numbers of the wire as people read them.
 */
import type { Hex } from '../../primitives/bytes.ts'

export function num(quantity: Hex): number {
  return Number(BigInt(quantity))
}

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

/** `1,234`. */
export function countText(value: number | bigint): string {
  return whole.format(value)
}

/** `1 peer`, `2 peers`. */
export function countOf(value: number, what: string): string {
  return `${countText(value)} ${what}${value === 1 ? '' : 's'}`
}

/** `1.2M`. */
export function shortText(value: number | bigint): string {
  return short.format(value)
}

/** Coins of 10^18 wei, to four digits that matter. */
export function coinsText(wei: bigint): string {
  const coins = Number(wei) / 1e18
  if (coins === 0) return '0'
  if (coins >= 1_000) return whole.format(coins)
  return coins >= 0.0001 ? String(Number(coins.toPrecision(4))) : coins.toExponential(1)
}

export function bytesText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB'] as const
  const power = Math.min(3, Math.floor(Math.log10(Math.max(bytes, 1)) / 3))
  const scaled = bytes / 1_000 ** power
  return power === 0 ? countOf(bytes, 'byte') : `${Number(scaled.toPrecision(3))} ${units[power]}`
}

/** `0x1234…abcd`. */
export function shortHex(hex: string, kept = 4): string {
  return hex.length <= 2 + 2 * kept + 1 ? hex : `${hex.slice(0, 2 + kept)}…${hex.slice(-kept)}`
}

export function percentText(part: number): string {
  return `${Number((100 * part).toPrecision(part >= 0.0999 ? 3 : 2))} %`
}

/** `3 min`, for spans of seconds. */
export function spanText(seconds: number): string {
  const s = Math.max(0, seconds)
  if (s < 90) return `${Math.round(s)} s`
  if (s < 90 * 60) return `${Math.round(s / 60)} min`
  if (s < 36 * 3_600) return `${Math.round(s / 3_600)} h`
  return `${Math.round(s / 86_400)} days`
}

export function timeText(unixSeconds: number): string {
  return new Date(1_000 * unixSeconds).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'medium',
  })
}

/** `4.1 G`, multiply-accumulates. */
export function macsText(macs: number): string {
  const units = ['', ' k', ' M', ' G', ' T', ' P'] as const
  const power = Math.min(5, Math.floor(Math.log10(Math.max(macs, 1)) / 3))
  return `${Number((macs / 1_000 ** power).toPrecision(3))}${units[power]}`
}
