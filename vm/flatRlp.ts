/**
 * Lists of byte strings in RLP, as transactions without lists inside are: read in one pass and only in
 * their one encoding, so that nothing has to be encoded again to see that it is the one.
 */

/** @see {@link readFlatList} */
export type FlatList = {
  /** Views of the text that was read; null for an empty list. */
  readonly items: readonly (Uint8Array | null)[]
  /** Where each item's encoding starts. */
  readonly starts: readonly number[]
}

/**
 * The list that starts at `at` and ends with `bytes`.
 *
 * @returns null for whatever is not its one encoding, and for lists inside that are not empty.
 */
export function readFlatList(bytes: Uint8Array, at: number): FlatList | null {
  const first = contentOf(bytes, at, 0xc0)
  if (first < 0 || first + lengthOf(bytes, at, 0xc0) !== bytes.length) return null
  const items: (Uint8Array | null)[] = []
  const starts: number[] = []
  for (let start = first; start < bytes.length; ) {
    starts.push(start)
    const head = bytes[start]!
    if (head < 0x80) {
      items.push(bytes.subarray(start, start + 1))
      start += 1
      continue
    }
    if (head === 0xc0) {
      items.push(null)
      start += 1
      continue
    }
    const content = contentOf(bytes, start, 0x80)
    if (content < 0) return null
    const end = content + lengthOf(bytes, start, 0x80)
    // A single byte below 0x80 is its own encoding.
    if (end > bytes.length || (end === content + 1 && bytes[content]! < 0x80)) return null
    items.push(bytes.subarray(content, end))
    start = end
  }
  return { items, starts }
}

/** Where the content starts of what starts at `at`; -1 if that is of another kind or spelled longer than needed. */
function contentOf(bytes: Uint8Array, at: number, kind: number): number {
  const size = (bytes[at] ?? 0) - kind
  if (size < 0 || size > 0x3f) return -1
  if (size <= 55) return at + 1
  const width = size - 55
  // Three bytes of length are more than anything here has.
  if (width > 3 || at + width >= bytes.length || bytes[at + 1] === 0) return -1
  return lengthOf(bytes, at, kind) > 55 ? at + 1 + width : -1
}

function lengthOf(bytes: Uint8Array, at: number, kind: number): number {
  const size = bytes[at]! - kind
  if (size <= 55) return size
  let length = 0
  for (let i = 1; i <= size - 55; i++) length = length * 256 + bytes[at + i]!
  return length
}
