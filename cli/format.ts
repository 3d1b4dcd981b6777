/**
 * Numbers as people read them.
 */
import { formatEther } from 'viem'

/** `1,000.5 coins`; all digits, since money is exact. */
export function coinsText(wei: bigint): string {
  const [whole = '0', fraction] = formatEther(wei).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return `${fraction === undefined ? grouped : `${grouped}.${fraction}`} coins`
}

/** Decimal prefixes: `12.3 MB`. */
export function bytesText(bytes: number): string {
  return scaled(bytes, ['B', 'kB', 'MB', 'GB', 'TB'])
}

/** Multiply-accumulates: `3.27 MMAC`. */
export function macsText(macs: bigint): string {
  return scaled(Number(macs), ['MAC', 'kMAC', 'MMAC', 'GMAC', 'TMAC', 'PMAC'])
}

/** `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** `12.5 steps/s`. */
export function rateText(done: number, ms: number, unit: string): string {
  return `${threeDigits((done * 1_000) / ms)} ${unit}/s`
}

export function percentText(part: number, whole: number): string {
  return `${whole === 0 ? '0.0' : ((100 * part) / whole).toFixed(1)} %`
}

function scaled(value: number, units: readonly string[]): string {
  let rest = value
  let unit = 0
  for (; rest >= 1_000 && unit < units.length - 1; unit++) rest /= 1_000
  return `${threeDigits(rest)} ${units[unit]}`
}

function threeDigits(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
