/**
 * One sender's waiting transactions, by nonce. Those that follow the account's nonce without a gap can
 * be executed; the others wait for the gap to close.
 */
import { maxCost, type Transaction } from '../vm/transaction.ts'

/** A transaction in the pool. */
export type Pooled = {
  readonly transaction: Transaction
  /** Order of arrival. */
  readonly sequence: number
  /** Clock, milliseconds. */
  readonly arrivedAt: number
}

/** What the state says of a sender. */
export type SenderAccount = { readonly nonce: bigint; readonly balance: bigint }

export class SenderQueue {
  readonly #byNonce = new Map<bigint, Pooled>()
  #account: SenderAccount
  /** Wei that all of them may cost together. */
  #cost = 0n

  constructor(account: SenderAccount) {
    this.#account = account
  }

  get size(): number {
    return this.#byNonce.size
  }

  get account(): SenderAccount {
    return this.#account
  }

  at(nonce: bigint): Pooled | undefined {
    return this.#byNonce.get(nonce)
  }

  put(pooled: Pooled): void {
    const { tx } = pooled.transaction
    this.remove(tx.nonce)
    this.#byNonce.set(tx.nonce, pooled)
    this.#cost += maxCost(tx)
  }

  remove(nonce: bigint): void {
    const pooled = this.#byNonce.get(nonce)
    if (pooled === undefined) return
    this.#byNonce.delete(nonce)
    this.#cost -= maxCost(pooled.transaction.tx)
  }

  /** Ascending by nonce. */
  all(): readonly Pooled[] {
    return [...this.#byNonce.values()].sort((a, b) =>
      a.transaction.tx.nonce < b.transaction.tx.nonce ? -1 : 1,
    )
  }

  /** The highest nonce's besides those `without`: leaving it out breaks no run. */
  last(without: ReadonlySet<Pooled>): Pooled | undefined {
    let last: Pooled | undefined
    for (const pooled of this.#byNonce.values())
      if (!without.has(pooled) && (last === undefined || nonceOf(pooled) > nonceOf(last)))
        last = pooled
    return last
  }

  /** Whether nothing is missing between the account's nonce and this one. */
  reaches(nonce: bigint): boolean {
    return nonce <= this.#account.nonce + BigInt(this.executable().length)
  }

  /** The unbroken run from the account's nonce on. */
  executable(): readonly Pooled[] {
    const run: Pooled[] = []
    for (let nonce = this.#account.nonce; ; nonce++) {
      const pooled = this.#byNonce.get(nonce)
      if (pooled === undefined) return run
      run.push(pooled)
    }
  }

  /** Wei that all transactions but the one at `nonce` may cost together. */
  costWithout(nonce: bigint): bigint {
    const there = this.#byNonce.get(nonce)
    return this.#cost - (there === undefined ? 0n : maxCost(there.transaction.tx))
  }

  /** Take over what the state now says; gives what can no longer run. */
  refresh(account: SenderAccount): readonly Pooled[] {
    const { nonce, balance } = this.#account
    // What was taken in could run then, so it still can.
    if (account.nonce === nonce && account.balance === balance) return []
    this.#account = account
    const dropped = this.all().filter(({ transaction: { tx } }) => {
      return tx.nonce < account.nonce || maxCost(tx) > account.balance
    })
    for (const { transaction } of dropped) this.remove(transaction.tx.nonce)
    return dropped
  }
}

function nonceOf({ transaction }: Pooled): bigint {
  return transaction.tx.nonce
}
