/**
 * A field of 28 by 28 to draw a digit on, by pointer or by keyboard. What is drawn is centred by its
 * weight, as the digits of MNIST are.
 */
import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

const side = 28

export function DigitPad({
  onInput,
}: {
  readonly onInput: (row: Int8Array | null) => void
}): VNode {
  const canvas = useRef<HTMLCanvasElement>(null)
  const ink = useRef(new Float32Array(side * side))
  const last = useRef<readonly [number, number] | null>(null)
  const [cursor, setCursor] = useState<readonly [number, number] | null>(null)

  const show = () => paint(canvas.current!, ink.current, cursor)
  useEffect(show, [cursor])

  const changed = () => {
    show()
    onInput(rowOf(ink.current))
  }
  const clear = () => {
    ink.current.fill(0)
    show()
    onInput(null)
  }
  const move = (event: PointerEvent) => {
    if (last.current === null) return
    const at = placeOf(canvas.current!, event)
    stroke(ink.current, last.current, at)
    last.current = at
    changed()
  }
  const press = (event: KeyboardEvent) => {
    const step = arrows[event.key]
    const [x, y] = cursor ?? [14, 14]
    if (step !== undefined) {
      const next = [clamp(x + step[0]), clamp(y + step[1])] as const
      if (event.shiftKey) {
        stroke(ink.current, [x, y], next)
        changed()
      }
      setCursor(next)
    } else if (event.key === ' ') {
      stroke(ink.current, [x, y], [x, y])
      changed()
    } else if (event.key === 'Backspace') clear()
    else return
    event.preventDefault()
  }
  return (
    <div class="stack tight">
      <div
        class="pad"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is drawn on with the keyboard too
        tabIndex={0}
        aria-label="Draw a digit. Arrows move, shift with arrows draws, space dots, backspace clears."
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          last.current = placeOf(canvas.current!, event)
          move(event)
        }}
        onPointerMove={move}
        onPointerUp={() => {
          last.current = null
        }}
        onKeyDown={press}
        onBlur={() => setCursor(null)}
      >
        <canvas ref={canvas} width={side} height={side} />
      </div>
      <div>
        <button type="button" class="button" onClick={clear}>
          Clear
        </button>
      </div>
    </div>
  )
}

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

function clamp(at: number): number {
  return Math.min(side - 2, Math.max(1, at))
}

function placeOf(canvas: HTMLCanvasElement, event: PointerEvent): readonly [number, number] {
  const box = canvas.getBoundingClientRect()
  return [
    ((event.clientX - box.left) * side) / box.width,
    ((event.clientY - box.top) * side) / box.height,
  ]
}

/** A round pen, about two pixels wide. */
function stroke(
  ink: Float32Array,
  [x0, y0]: readonly [number, number],
  [x1, y1]: readonly [number, number],
): void {
  const steps = Math.max(1, Math.ceil(2 * Math.hypot(x1 - x0, y1 - y0)))
  for (let i = 0; i <= steps; i++) {
    const [x, y] = [x0 + ((x1 - x0) * i) / steps, y0 + ((y1 - y0) * i) / steps]
    for (let row = Math.max(0, Math.floor(y - 3)); row < Math.min(side, y + 3); row++)
      for (let column = Math.max(0, Math.floor(x - 3)); column < Math.min(side, x + 3); column++) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y)
        const at = row * side + column
        ink[at] = Math.max(ink[at]!, Math.min(1, Math.max(0, 1.75 - distance)))
      }
  }
}

/** Null: nothing is drawn. */
function rowOf(ink: Float32Array): Int8Array | null {
  let [mass, sumX, sumY] = [0, 0, 0]
  for (const [i, value] of ink.entries()) {
    mass += value
    sumX += value * (i % side)
    sumY += value * Math.floor(i / side)
  }
  if (mass < 3) return null
  const shiftX = Math.round(13.5 - sumX / mass)
  const shiftY = Math.round(13.5 - sumY / mass)
  const row = new Int8Array(side * side)
  for (const [i, value] of ink.entries()) {
    const [x, y] = [(i % side) + shiftX, Math.floor(i / side) + shiftY]
    const inside = x >= 0 && x < side && y >= 0 && y < side
    if (inside) row[y * side + x] = Math.round(255 * value) >> 1
  }
  return row
}

function paint(
  canvas: HTMLCanvasElement,
  ink: Float32Array,
  cursor: readonly [number, number] | null,
): void {
  const context = canvas.getContext('2d')!
  const picture = context.createImageData(side, side)
  for (const [i, value] of ink.entries())
    picture.data.set([20 + 235 * value, 18 + 215 * value, 14 + 170 * value, 255], 4 * i)
  context.putImageData(picture, 0, 0)
  if (cursor === null) return
  context.strokeStyle = '#f5b83d'
  context.strokeRect(cursor[0] - 1.5, cursor[1] - 1.5, 3, 3)
}
