/**
 * Verdicts on proofs: each is worked out once, remembered, and never twice at the same time for one
 * lease and holder, however many copies arrive.
 */
import type { Hash } from '../primitives/hash.ts'
import type { Fault, Result } from '../primitives/result.ts'

/** `transient`: could not be found out now (data missing), so it is worth asking again. */
export type Verdict = Result<null, Fault & { readonly transient?: true | undefined }>

export class Verdicts {
  readonly #max: number
  readonly #known = new Map<Hash, Verdict>()
  readonly #running = new Map<string, Promise<unknown>>()

  /** @param max - verdicts remembered; the oldest are forgotten. */
  constructor(max: number) {
    this.#max = max
  }

  known(name: Hash): Verdict | undefined {
    return this.#known.get(name)
  }

  /** Verifications that run or wait. */
  get running(): number {
    return this.#running.size
  }

  /**
   * The verdict called `name`, by `judge` unless it is known. Of one `lane` one verification runs at
   * a time; a failure of `judge` is passed on and not remembered.
   */
  async of(name: Hash, lane: string, judge: () => Promise<Verdict>): Promise<Verdict> {
    const before = this.#running.get(lane)
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const turn = (before ?? Promise.resolve()).then(async () => {
      const meanwhile = this.#known.get(name)
      if (meanwhile !== undefined) return meanwhile
      const verdict = await judge()
      if (verdict.ok || verdict.fault.transient !== true) this.#remember(name, verdict)
      return verdict
    })
    const settled = turn.then(
      () => {},
      () => {},
    )
    this.#running.set(lane, settled)
    try {
      return await turn
    } finally {
      if (this.#running.get(lane) === settled) this.#running.delete(lane)
    }
  }

  #remember(name: Hash, verdict: Verdict): void {
    this.#known.set(name, verdict)
    if (this.#known.size > this.#max) this.#known.delete(this.#known.keys().next().value!)
  }
}
