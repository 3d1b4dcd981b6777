/**
 * Lines of a text file, read in pieces: memory is bounded by the longest line.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

/** A longer line is not text in rows. */
const maxLineChars = 4_194_304
const pieceBytes = 262_144

export type Line = {
  /** Counted from 1. */
  readonly number: number
  /** Without its end. */
  readonly text: string
}

/** Thrown for a line above {@link maxLineChars}; importers turn it into a fault. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong'
  readonly line: number
  constructor(line: number) {
    super(`line ${line} is longer than ${maxLineChars} characters`)
    this.line = line
  }
}

/**
 * The lines of the file at `path`, UTF-8, ended by LF or CRLF; a byte order mark is dropped.
 *
 * @throws the system's error if the file cannot be read.
 */
export function* readLines(path: string): Generator<Line> {
  const file = openSync(path, 'r')
  try {
    const decoder = new StringDecoder('utf8')
    const piece = new Uint8Array(pieceBytes)
    let rest = ''
    let number = 0
    for (;;) {
      const got = readSync(file, piece, 0, pieceBytes, null)
      const text = got === 0 ? decoder.end() : decoder.write(piece.subarray(0, got))
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      for (const line of lines) yield { number: ++number, text: tidy(line, number) }
      if (rest.length > maxLineChars) throw new LineTooLong(number + 1)
      if (got === 0) break
    }
    if (rest !== '') yield { number: ++number, text: tidy(rest, number) }
  } finally {
    closeSync(file)
  }
}

function tidy(line: string, number: number): string {
  const text = number === 1 && line.startsWith('\uFEFF') ? line.slice(1) : line
  return text.endsWith('\r') ? text.slice(0, -1) : text
}
