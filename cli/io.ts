/**
 * What a command sees of its terminal and process: handed in, so that tests run commands in-process.
 */
import { homedir } from 'node:os'
import { createInterface } from 'node:readline/promises'
import { stripVTControlCharacters, styleText } from 'node:util'
import { type Clock, systemClock } from '../primitives/clock.ts'

export type Io = {
  /** Results, for people or as JSON lines. */
  readonly out: (text: string) => void
  /** Progress, warnings and errors. */
  readonly err: (text: string) => void
  /** Whether progress may redraw its line. */
  readonly isTerminal: boolean
  /** Width of the results' terminal; Infinity if it is none. */
  readonly columns: number
  readonly colours: boolean
  readonly clock: Clock
  /** Aborted when the user wants out. */
  readonly stopped: AbortSignal
  readonly home: string
  /** The answer of the person at the terminal; null if there is none. */
  readonly ask: ((question: string) => Promise<string>) | null
}

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'bold' | 'dim'

/** `text` in a colour, where colours are wanted. */
export function paint({ colours }: Pick<Io, 'colours'>, colour: Colour, text: string): string {
  return colours ? styleText(colour, text, { validateStream: false }) : text
}

/** Columns that `text` takes on a terminal. */
export function widthOf(text: string): number {
  return stripVTControlCharacters(text).length
}

/**
 * The process's own terminal.
 *
 * The first SIGINT or SIGTERM asks the command to end; a second SIGINT ends the process at once.
 */
export function processIo(): Io {
  const { stdout, stderr, stdin, env } = process
  const stop = new AbortController()
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130)
    stop.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const asks = stdin.isTTY && stderr.isTTY
  return {
    out: (text) => {
      stdout.write(text)
    },
    err: (text) => {
      stderr.write(text)
    },
    isTerminal: stderr.isTTY === true,
    columns: stdout.isTTY ? stdout.columns : Number.POSITIVE_INFINITY,
    colours: stdout.isTTY && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
    clock: systemClock,
    stopped: stop.signal,
    home: homedir(),
    ask: asks ? (question) => askTerminal(question, stop.signal) : null,
  }
}

async function askTerminal(question: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await lines.question(question, { signal })
  } finally {
    lines.close()
  }
}
