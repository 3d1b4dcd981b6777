/** Running commands in-process, with a terminal that only remembers. */

import type { Io } from '../../cli/io.ts'
import { runCli } from '../../cli/main.ts'
import { systemClock } from '../../primitives/clock.ts'

export type Ran = { readonly code: number; readonly out: string; readonly err: string }

/** Run `waggle …argv`. */
export async function waggle(argv: readonly string[], changes: Partial<Io> = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const code = await runCli(argv, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    isTerminal: false,
    columns: Number.POSITIVE_INFINITY,
    colours: false,
    clock: systemClock,
    stopped: new AbortController().signal,
    home: '/nonexistent',
    ask: null,
    ...changes,
  })
  return { code, out, err }
}

/** The only JSON line of a run that must have succeeded. */
export function jsonOf({ code, out, err }: Ran): Record<string, unknown> {
  if (code !== 0) throw new Error(`exit code ${code}: ${err}`)
  return JSON.parse(out) as Record<string, unknown>
}
