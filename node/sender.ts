/**
 * Calls that a validator makes by itself, beside its certificates: both are signed by one account, whose
 * nonces follow each other. Certificates go first, since a lease waits for nobody.
 */
import type { TransactionPool } from '../mempool/transactionPool.ts'
import type { Address } from '../primitives/address.ts'
import type { Hex } from '../primitives/bytes.ts'
import { type Clock, sleep } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import type { Account } from './account.ts'
import type { Certificates } from './certificates.ts'

export type Call = { readonly to: Address; readonly data: Hex; readonly gas: bigint }

/** Sign a call and hand it in; refused while a certificate of the same account waits. */
export type SendCall = (call: Call) => Promise<Result<Hash, Fault>>

export type SenderModules = {
  readonly chainId: number
  readonly clock: Pick<Clock, 'after' | 'now'>
  readonly account: Account
  readonly transactions: Pick<TransactionPool, 'add' | 'nonceOf'>
  readonly certificates: Pick<Certificates, 'pool'>
  readonly pools: {
    readonly account: (address: Address) => Promise<{ readonly nonce: bigint }>
    readonly nextBaseFee: () => bigint
  }
}

export type Sender = {
  readonly send: SendCall
  /** Make a certificate when no call is in its way; calls wait meanwhile. */
  readonly beforeCalls: <T>(certify: () => Promise<T>) => Promise<T>
}

const tip = 1_000_000_000n
/** A certificate waits so long for the account's calls to be included. */
const maxWaitMs = 20_000
const pollMs = 100

export function createSender(modules: SenderModules): Sender {
  const { chainId, clock, account, transactions, certificates, pools } = modules
  const { address } = account
  let turn: Promise<unknown> = Promise.resolve()

  function inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = turn.then(action)
    turn = result.catch(() => {})
    return result
  }

  async function send({ to, data, gas }: Call): Promise<Result<Hash, Fault>> {
    const { nonce } = await pools.account(address)
    const waiting = certificates.pool
      .all()
      .filter(({ worker, transaction: { tx } }) => worker === address && tx.nonce >= nonce).length
    if (waiting > 0) return refuse({ code: 'sender/certificate', waiting })
    const bytes = await account.sign({
      chainId,
      nonce: transactions.nonceOf(address) ?? nonce,
      to,
      data,
      gas,
      maxFeePerGas: 2n * pools.nextBaseFee() + tip,
      maxPriorityFeePerGas: tip,
    })
    const added = await transactions.add(bytes)
    return added.ok ? ok(added.value.hash) : added
  }

  return {
    send: (call) => inTurn(() => send(call)),
    beforeCalls: (certify) =>
      inTurn(async () => {
        const began = clock.now()
        while (transactions.nonceOf(address) !== null && clock.now() - began < maxWaitMs)
          await sleep(clock as Clock, pollMs)
        return certify()
      }),
  }
}
