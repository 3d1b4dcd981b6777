/**
 * How a command fails: what happened, why, and what to do next, with an exit code that scripts can
 * rely on. Thrown by commands and caught once, in `main.ts`.
 */
import { describeFault, type Fault, type Result } from '../primitives/result.ts'

/** 64 and up follow `sysexits.h`. */
export const ExitCode = { Ok: 0, Refused: 1, Usage: 2, Unavailable: 69 } as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export type FailureReport = {
  /** What happened, without a full stop. */
  readonly what: string
  readonly why: string
  /** The next thing to try, a command where there is one. */
  readonly next: string
  /** @default Refused */
  readonly exitCode?: ExitCode | undefined
}

export class Failure extends Error {
  override readonly name = 'Failure'
  readonly report: FailureReport

  constructor(report: FailureReport, cause?: unknown) {
    super(`${report.what}: ${report.why}`, { cause })
    this.report = report
  }
}

export function fail(report: FailureReport, cause?: unknown): never {
  throw new Failure(report, cause)
}

/** The value, or a failure whose reason is the fault. */
export function orFail<T>(result: Result<T, Fault>, what: string, next: string): T {
  return result.ok ? result.value : fail({ what, why: describeFault(result.fault), next })
}

/** A file that cannot be read or written, as a failure. */
export function diskFailure(error: unknown, what: string, next: string): Failure {
  const why = error instanceof Error ? error.message : String(error)
  return new Failure({ what, why, next }, error)
}
