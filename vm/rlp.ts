/**
 * RLP of parts that are already encoded, without building nested lists first.
 */

/** A byte string. */
export function rlpText(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 1 && bytes[0]! < 0x80) return bytes
  return framed(0x80, [bytes], bytes.length)
}

/** A list whose items are encoded. */
export function rlpList(items: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const item of items) length += item.length
  return framed(0xc0, items, length)
}

function framed(offset: number, parts: readonly Uint8Array[], length: number): Uint8Array {
  let width = 0
  if (length > 55) for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) width += 1
  const bytes = new Uint8Array(1 + width + length)
  bytes[0] = width === 0 ? offset + length : offset + 55 + width
  for (let i = 0, rest = length; i < width; i++, rest = Math.floor(rest / 256))
    bytes[width - i] = rest % 256
  let at = 1 + width
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
