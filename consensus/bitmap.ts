/**
 * Bitmaps on the wire: bit `i` is bit `i mod 8`, least significant first, of byte `i div 8`, as in a
 * commit.
 */

export function bitmapOf(length: number, has: (index: number) => boolean): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(length / 8))
  for (let i = 0; i < length; i++) if (has(i)) bitmap[i >> 3]! |= 1 << (i & 7)
  return bitmap
}

/** Bits beyond the end are unset. */
export function hasBit(bitmap: Uint8Array, index: number): boolean {
  return ((bitmap[index >> 3] ?? 0) >> (index & 7)) % 2 === 1
}
