/**
 * A set of whole numbers from 0 to 2^53 − 2, eight bytes a slot: a JavaScript `Set` ends at 2^24 of them.
 */
export class NumberSet {
  #slots = new Float64Array(1 << 16)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Whether `value` was new. */
  add(value: number): boolean {
    if (this.#size * 10 > this.#slots.length * 7) this.#grow()
    const added = place(this.#slots, value + 1)
    if (added) this.#size++
    return added
  }

  #grow(): void {
    const larger = new Float64Array(this.#slots.length * 2)
    for (const stored of this.#slots) if (stored !== 0) place(larger, stored)
    this.#slots = larger
  }
}

function place(slots: Float64Array, stored: number): boolean {
  const mask = slots.length - 1
  const low = Math.imul((stored % 2 ** 32) | 0, 0x9e37_79b1)
  const high = Math.imul((stored / 2 ** 32) | 0, 0x85eb_ca6b)
  const mixed = low ^ high
  let at = (mixed ^ (mixed >>> 15)) & mask
  while (slots[at] !== 0) {
    if (slots[at] === stored) return false
    at = (at + 1) & mask
  }
  slots[at] = stored
  return true
}
