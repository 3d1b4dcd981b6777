/**
 * Exact decimals from text, and the rule that scales a column of them to int8. No floats: the same file
 * gives the same dataset on every machine.
 */

/** `digits · 10^−places`. */
export type Decimal = { readonly digits: bigint; readonly places: number }

/** Bounds on what one number may cost. */
const maxDigits = 60
const maxExponent = 60

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/

/** A finite decimal such as `-12`, `.5` or `1.25e-3`; `null` if the text is none or is too long. */
export function parseDecimal(text: string): Decimal | null {
  const match = text.length <= maxDigits + 8 ? pattern.exec(text.trim()) : null
  if (match === null) return null
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match
  const exponent = Number(exponentText)
  if (whole.length + fraction.length === 0 || whole.length + fraction.length > maxDigits)
    return null
  if (Math.abs(exponent) > maxExponent) return null
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n)
  const places = fraction.length - exponent
  return places >= 0 ? { digits, places } : { digits: digits * 10n ** BigInt(-places), places: 0 }
}

/** `value` as a whole number of `10^−places`, which has to be fine enough. */
export function unitsOf({ digits, places: own }: Decimal, places: number): bigint {
  return digits * 10n ** BigInt(places - own)
}

/**
 * Scales `value` from `[low, high]` to [−127, 127]: `round_half_up(254·(v − low) / (high − low)) − 127`.
 * Values outside are clamped; a range of one value gives 0. All three in the same unit.
 */
export function scaleToInt8(value: bigint, low: bigint, high: bigint): number {
  if (high <= low) return 0
  if (value <= low) return -127
  if (value >= high) return 127
  return Number((508n * (value - low) + (high - low)) / (2n * (high - low))) - 127
}

/** Canonical text: no exponent, no needless zeros. */
export function formatDecimal({ digits, places }: Decimal): string {
  const sign = digits < 0n ? '-' : ''
  const text = (digits < 0n ? -digits : digits).toString().padStart(places + 1, '0')
  const whole = text.slice(0, text.length - places)
  const fraction = text.slice(text.length - places).replace(/0+$/, '')
  return fraction === '' ? `${sign}${whole}`.replace(/^-0$/, '0') : `${sign}${whole}.${fraction}`
}

/** Which of two is larger: negative, zero or positive. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const places = Math.max(a.places, b.places)
  const difference = unitsOf(a, places) - unitsOf(b, places)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
