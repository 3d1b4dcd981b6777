/**
 * NumPy's array files, versions 1 and 2: header and elements, read in pieces.
 *
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { ok, type Result, refuse } from '../primitives/result.ts'

export type NpyFault =
  | { readonly code: 'npy/io'; readonly path: string; readonly why: string }
  | {
      readonly code: 'npy/header'
      readonly path: string
      readonly offset: number
      readonly what: string
    }
  | {
      readonly code: 'npy/length'
      readonly path: string
      readonly expected: number
      readonly got: number
    }
  | {
      readonly code: 'npy/value'
      readonly path: string
      /** Of the element's first byte. */
      readonly offset: number
      readonly what: string
      readonly got: number
    }
  | { readonly code: 'npy/count'; readonly features: number; readonly labels: number }

/** Element types that are read, as NumPy spells them (little-endian, or one byte). */
export const npyTypes = {
  '|i1': { bytes: 1, read: (view: DataView, at: number) => view.getInt8(at) },
  '|u1': { bytes: 1, read: (view: DataView, at: number) => view.getUint8(at) },
  '<i2': { bytes: 2, read: (view: DataView, at: number) => view.getInt16(at, true) },
  '<u2': { bytes: 2, read: (view: DataView, at: number) => view.getUint16(at, true) },
  '<i4': { bytes: 4, read: (view: DataView, at: number) => view.getInt32(at, true) },
  '<u4': { bytes: 4, read: (view: DataView, at: number) => view.getUint32(at, true) },
  '<i8': { bytes: 8, read: (view: DataView, at: number) => Number(view.getBigInt64(at, true)) },
  '<f4': { bytes: 4, read: (view: DataView, at: number) => view.getFloat32(at, true) },
} as const
export type NpyType = keyof typeof npyTypes

export type Npy = {
  readonly path: string
  readonly type: NpyType
  readonly shape: readonly number[]
  /** Offset of the first element. */
  readonly start: number
  /** Elements `[from, from + into.length)`, as numbers. */
  readonly read: (from: number, into: Float64Array) => void
  readonly close: () => void
}

/** Headers are a line of text; this is ample. */
const maxHeaderBytes = 65_536

/** Open a file whose elements have one of `types`, in C order. */
export function openNpy(path: string, types: readonly NpyType[]): Result<Npy, NpyFault> {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    return refuse({ code: 'npy/io', path, why: (error as Error).message })
  }
  const head = readHead(path, file, types)
  if (!head.ok) {
    closeSync(file)
    return head
  }
  const { type, start } = head.value
  const { bytes, read } = npyTypes[type]
  return ok({
    ...head.value,
    path,
    read(from, into) {
      const view = new DataView(new ArrayBuffer(into.length * bytes))
      readSync(file, view, 0, view.byteLength, start + from * bytes)
      for (let i = 0; i < into.length; i++) into[i] = read(view, i * bytes)
    },
    close: () => closeSync(file),
  })
}

type Head = Pick<Npy, 'type' | 'shape' | 'start'>

function readHead(path: string, file: number, types: readonly NpyType[]): Result<Head, NpyFault> {
  const wrong = (offset: number, what: string) =>
    refuse({ code: 'npy/header', path, offset, what } as const)
  const size = fstatSync(file).size
  const lead = new DataView(new ArrayBuffer(12))
  if (readSync(file, lead, 0, 12, 0) < 12)
    return refuse({ code: 'npy/length', path, expected: 12, got: size })
  const magic = Array.from({ length: 6 }, (_, i) => lead.getUint8(i))
  if (String.fromCharCode(...magic) !== '\x93NUMPY') return wrong(0, 'not a NumPy file')
  const version = lead.getUint8(6)
  if (version !== 1 && version !== 2) return wrong(6, `version ${version}; 1 and 2 are read`)
  const from = version === 1 ? 10 : 12
  const length = version === 1 ? lead.getUint16(8, true) : lead.getUint32(8, true)
  if (length > maxHeaderBytes) return wrong(8, `a header of ${length} bytes`)
  const text = new Uint8Array(length)
  if (readSync(file, text, 0, length, from) < length)
    return refuse({ code: 'npy/length', path, expected: from + length, got: size })
  const head = parseHeader(String.fromCharCode(...text), types)
  if (typeof head === 'string') return wrong(from, head)
  const start = from + length
  const cells = head.shape.reduce((a, b) => a * b, 1)
  const expected = start + cells * npyTypes[head.type].bytes
  if (size !== expected) return refuse({ code: 'npy/length', path, expected, got: size })
  return ok({ ...head, start })
}

/** The header's dictionary, or what is wrong with it. */
function parseHeader(
  text: string,
  types: readonly NpyType[],
): string | { readonly type: NpyType; readonly shape: readonly number[] } {
  const descr = /'descr': *'([^']{1,16})'/.exec(text)?.[1]
  const order = /'fortran_order': *(True|False)/.exec(text)?.[1]
  const dimensions = /'shape': *\(([\d, ]*)\)/.exec(text)?.[1]
  if (descr === undefined || order === undefined || dimensions === undefined)
    return 'must name descr, fortran_order and shape'
  if (order === 'True') return 'must be in C order'
  const type = types.find((known) => known === descr)
  if (type === undefined) return `elements are ${descr}; ${types.join(', ')} are read`
  const shape = dimensions.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]))
  const fits = shape.length >= 1 && shape.length <= 8 && shape.every((n) => n >= 1 && n < 2 ** 32)
  return fits ? { type, shape } : `shape (${dimensions.slice(0, 80)})`
}
