/**
 * Datasets on disk: opened at random without loading them, and written row by row.
 */
import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import { merkleLeaf } from '../primitives/merkle.ts'
import { MerkleStream } from '../primitives/merkleStream.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import {
  type Dataset,
  type DatasetFault,
  decodeHeader,
  encodeHeader,
  encodeRow,
  headerBytes,
  type Manifest,
  rowLength,
} from './dataset.ts'

/**
 * Open a blob on disk. Only its header is read and judged here; rows are judged as they are read.
 *
 * @returns a dataset whose `rowBytes` throws the system's error if the disk fails.
 */
export function openDataset(path: string): Result<Dataset, DatasetFault> {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    return refuse({ code: 'dataset/io', path, why: (error as Error).message })
  }
  const header = new Uint8Array(headerBytes)
  const got = readSync(file, header, 0, headerBytes, 0)
  const shape = decodeHeader(header.subarray(0, got), fstatSync(file).size)
  if (!shape.ok) {
    closeSync(file)
    return shape
  }
  const length = rowLength(shape.value)
  const rowBytes = (index: number): Uint8Array => {
    const bytes = new Uint8Array(length)
    readSync(file, bytes, 0, length, headerBytes + index * length)
    return bytes
  }
  return ok({ ...shape.value, rowBytes, close: () => closeSync(file) })
}

/** Where importers put rows. */
export type RowSink = {
  /** @param features - `[features]`, each in [−127, 127]; copied. */
  readonly add: (features: Int8Array, label: number) => void
}

/** Rows are written in pieces of about this many bytes. */
const pieceBytes = 1_048_576

/**
 * Write a dataset: `fill` adds the rows. The file appears at `path` only once it is whole; a refusal of
 * `fill` leaves nothing behind.
 */
export function writeDataset<F extends { readonly code: string }>(
  path: string,
  meta: { readonly name: string; readonly features: number },
  fill: (sink: RowSink) => Result<{ readonly classes: number }, F>,
): Result<Manifest, F | DatasetFault> {
  const part = `${path}.part`
  let file: number
  try {
    file = openSync(part, 'w')
  } catch (error) {
    return refuse({ code: 'dataset/io', path, why: (error as Error).message })
  }
  let open = true
  try {
    const { features, name } = meta
    const writer = new RowWriter(file, features)
    const filled = fill(writer)
    if (!filled.ok) return filled
    const { rows, root } = writer.finish()
    const shape = { rows, features, classes: filled.value.classes }
    const header = encodeHeader(shape)
    writeSync(file, header, 0, header.length, 0)
    const bytes = headerBytes + rows * rowLength(shape)
    const checked = decodeHeader(header, bytes)
    if (!checked.ok) return checked
    closeSync(file)
    open = false
    renameSync(part, path)
    return ok({ name, ...shape, root, bytes })
  } catch (error) {
    return refuse({ code: 'dataset/io', path, why: (error as Error).message })
  } finally {
    if (open) closeSync(file)
    rmSync(part, { force: true })
  }
}

/** Gathers rows into pieces, hashes each and counts them. */
class RowWriter implements RowSink {
  readonly #file: number
  readonly #stream = new MerkleStream()
  readonly #piece: Uint8Array
  #used = 0
  #offset = headerBytes
  #rows = 0

  constructor(file: number, features: number) {
    this.#file = file
    this.#piece = new Uint8Array(Math.max(pieceBytes, rowLength({ features })))
  }

  add(features: Int8Array, label: number): void {
    const row = encodeRow(features, label)
    if (this.#used + row.length > this.#piece.length) this.#flush()
    this.#piece.set(row, this.#used)
    this.#used += row.length
    this.#stream.add(merkleLeaf(row))
    this.#rows++
  }

  finish(): { readonly rows: number; readonly root: Manifest['root'] } {
    this.#flush()
    return { rows: this.#rows, root: this.#stream.root() }
  }

  #flush(): void {
    writeSync(this.#file, this.#piece, 0, this.#used, this.#offset)
    this.#offset += this.#used
    this.#used = 0
  }
}
