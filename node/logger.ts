/**
 * The log: constant messages with fields, one JSON object a line. Keys never reach it; text from peers
 * only at `debug`.
 */
import pino from 'pino'
import type { NodeOptions } from './options.ts'

export type Logger = pino.Logger

export function createLogger(level: NodeOptions['logLevel'], path: string | null): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: ['secret', '*.secret', 'password', '*.password'],
  }
  const target = pino.destination(path === null ? 2 : { dest: path, mkdir: true, sync: false })
  return pino(options, target)
}

/** A fault's or fields' numbers as the log can print them. */
export function logFields(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === 'bigint' ? value.toString() : value,
    ]),
  )
}
