/**
 * Verification as people follow it: a list of checks, each of which passes or names what is wrong.
 */
import { describeFault, type Fault } from '../primitives/result.ts'
import { Unproven } from './provenWorld.ts'

/** In the order in which they are made; later ones rest on earlier ones. */
export type CheckName =
  | 'signatures'
  | 'header'
  | 'transactions'
  | 'receipt'
  | 'state'
  | 'rows'
  | 'weights'
  | 'work'

export type Check = {
  readonly name: CheckName
  readonly state: 'running' | 'passed' | 'refused'
  /** What was found, or what is wrong. */
  readonly detail: string
  /** Milliseconds that it took; 0 while it runs. */
  readonly tookMs: number
}

/** Told whenever a check begins and ends. */
export type OnCheck = (check: Check) => void

export type Verdict = { readonly ok: boolean; readonly checks: readonly Check[] }

/** What a check refuses with. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

/** @throws {Refused} with the fault's words. */
export function refuseFault(fault: Fault): never {
  throw new Refused(describeFault(fault))
}

/** A step of a verification: its value, and how it tells what it found. */
export type Checked<T> = { readonly value: T; readonly detail: string }

export type Checker = {
  /** Make a check. @throws {Refused} after telling why, if it does not pass. */
  readonly check: <T>(name: CheckName, run: () => Promise<Checked<T>>) => Promise<T>
  readonly verdict: (isOk: boolean) => Verdict
}

export function createChecker(onCheck: OnCheck): Checker {
  const checks = new Map<CheckName, Check>()
  const tell = (check: Check) => {
    checks.set(check.name, check)
    onCheck(check)
  }
  return {
    check: async (name, run) => {
      const began = performance.now()
      tell({ name, state: 'running', detail: '', tookMs: 0 })
      const took = () => Math.round(performance.now() - began)
      try {
        const { value, detail } = await run()
        tell({ name, state: 'passed', detail, tookMs: took() })
        return value
      } catch (error) {
        tell({ name, state: 'refused', detail: reasonOf(error), tookMs: took() })
        throw new Refused(reasonOf(error), { cause: error })
      }
    },
    verdict: (isOk) => ({ ok: isOk, checks: [...checks.values()] }),
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Unproven) return describeFault(error.fault)
  return error instanceof Error ? error.message : String(error)
}

/** Run `verify`; a refusal is an answer, whatever caused it. */
export async function judge(checker: Checker, verify: () => Promise<void>): Promise<Verdict> {
  try {
    await verify()
    return checker.verdict(true)
  } catch (error) {
    if (error instanceof Refused) return checker.verdict(false)
    throw error
  }
}
