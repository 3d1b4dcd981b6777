/**
 * Who and what: addresses and hashes, always the same sign for the same bytes.
 */
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { shortHex } from '../format.ts'
import { network } from '../net/live.ts'
import { useStore } from '../net/store.ts'

/** Hues that stay apart; an address picks one by its bytes. */
const hues = [38, 205, 140, 345, 265, 85, 18, 175, 310, 230] as const

/** The colour of an address, in every picture. */
export function colourOf(address: string): string {
  const digits = address.slice(2, 10)
  const hue = hues[Number.parseInt(digits.slice(0, 4), 16) % hues.length]!
  const light = 58 + (Number.parseInt(digits.slice(4, 6), 16) % 14)
  return `hsl(${hue} 62% ${light}%)`
}

export const hexagon = 'M12 1.5 21.1 6.75v10.5L12 22.5 2.9 17.25V6.75z'

function Sign({ address }: { readonly address: string }): VNode {
  const bits = Number.parseInt(address.slice(-6), 16)
  const dots = [0, 1, 2, 3, 4, 5].filter((i) => (bits >> i) % 2 === 1)
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d={hexagon} fill={colourOf(address)} />
      {dots.map((i) => (
        <circle
          key={i}
          cx={12 + 5.2 * [1, 0.5, -0.5, -1, -0.5, 0.5][i]!}
          cy={12 + 5.2 * [0, 0.87, 0.87, 0, -0.87, -0.87][i]!}
          r="1.9"
          fill="#211c13"
          fill-opacity="0.72"
        />
      ))}
    </svg>
  )
}

/** Name of a native module; null for other accounts. */
export function useModuleName(address: string): string | null {
  const known = useStore(network)
  return known?.modules.find((one) => one.address === address)?.name ?? null
}

export function Who({
  address,
  kept = 4,
}: {
  readonly address: string
  readonly kept?: number
}): VNode {
  const name = useModuleName(address)
  return (
    <a class="who" href={`/address/${address}`} title={address}>
      <Sign address={address} />
      {name === null ? <span class="mono">{shortHex(address, kept)}</span> : <span>{name}</span>}
    </a>
  )
}

/** A hash, short, linked where there is a page for it. */
export function HashText({
  hash,
  to,
  kept = 6,
}: {
  readonly hash: string
  readonly to?: string
  readonly kept?: number
}): VNode {
  const text = (
    <span class="mono" title={hash}>
      {shortHex(hash, kept)}
    </span>
  )
  return to === undefined ? text : <a href={to}>{text}</a>
}

/** A hash in full, to read and to copy. */
export function FullHash({ hash, what }: { readonly hash: string; readonly what: string }): VNode {
  const [isCopied, setCopied] = useState(false)
  const copy = () => {
    navigator.clipboard?.writeText(hash).then(
      () => {
        setCopied(true)
        setTimeout(() => setCopied(false), 1_500)
      },
      () => {},
    )
  }
  return (
    <span>
      <span class="mono">{hash}</span>{' '}
      <button type="button" class="copy" onClick={copy} aria-label={`copy ${what}`}>
        {isCopied ? 'copied' : 'copy'}
      </button>
    </span>
  )
}

/** Longest text from the chain that is shown. */
const maxShown = 160

/** Text that somebody put on the chain: never markup, never able to reorder what stands around it. */
export function Untrusted({ text }: { readonly text: string }): VNode {
  const shown = [...text.slice(0, 4 * maxShown)]
    .filter((sign) => !/[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/u.test(sign))
    .slice(0, maxShown)
    .join('')
  const isCut = text.length > 4 * maxShown || [...text].length > maxShown
  return (
    <bdi class="untrusted">
      {shown.trim() === '' ? '(no name)' : shown}
      {isCut ? '…' : ''}
    </bdi>
  )
}
