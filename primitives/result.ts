/**
 * Verdicts: what a peer, user or disk can cause is a `Fault` in a `Result`; what only we can cause is
 * a `Bug`.
 */

/** A refusal: which rule was broken (`code`, written `area/what`) and the numbers that show it. */
export type Fault = { readonly code: string }

/** The verdict of a check. Branch on `ok`; the compiler then knows which side you hold. */
export type Result<T, F extends Fault> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: F }

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

export function refuse<F extends Fault>(fault: F): { readonly ok: false; readonly fault: F } {
  return { ok: false, fault }
}

/** Our own code broke a promise. Nothing a peer, user or disk sends may ever reach this. */
export class Bug extends Error {
  override readonly name = 'Bug'
}

export function invariant(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new Bug(promise)
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}` : inner))
}

/** One line for people: the code, then the numbers (`block/height expected=5 got=7`). */
export function describeFault(fault: Fault): string {
  const numbers = Object.entries(fault)
    .filter(([key]) => key !== 'code')
    .map(([key, value]) => `${key}=${typeof value === 'object' ? jsonOf(value) : value}`)
  return [fault.code, ...numbers].join(' ')
}
