/**
 * The driver: takes part in consensus, height after height. It owns the mailbox through which messages,
 * timers and results reach the present height, and moves on when that height is decided: by our own
 * count of votes, or by a commit that a peer shows.
 */
import { type Commit, hasSigned } from '../chain/commit.ts'
import { describeFault, invariant } from '../primitives/result.ts'
import { makeCommit } from './commit.ts'
import type { Driver, DriverModules, DriverOptions } from './driverModules.ts'
import { createHeightDriver, type HeightDriver } from './heightDriver.ts'
import { createInbox } from './inbox.ts'
import { createMailbox } from './mailbox.ts'
import { VoteKind } from './messages.ts'
import { createPeering } from './peering.ts'
import { createReception } from './reception.ts'
import { tallyOf, votesFor } from './votes.ts'

/** Messages taken from the inbox at a time. */
const batchSize = 256

export function createDriver(options: DriverOptions, modules: DriverModules): Driver {
  const { statusIntervalMs = 1_000 } = options
  const { clock, network, wal, onEvent, report } = modules
  const inbox = createInbox()
  const mailbox = createMailbox(halt)
  const releases: (() => void)[] = []
  let current: HeightDriver | null = null
  let cancelTick: () => void = () => {}
  let reading = false

  const peering = createPeering({ ...modules, current: height })
  const reception = createReception({ ...modules, current: height, peering, takeOver })

  function height(): HeightDriver {
    invariant(current !== null, 'driver: used before its start')
    return current
  }

  /** Leave the height we were at, if any, and begin the one after the head. */
  async function enterHeight(): Promise<void> {
    current?.end()
    const parent = modules.head()
    const set = await modules.setAt(parent.height + 1n)
    const content = await wal.open(parent.height + 1n)
    if (!content.ok)
      throw new Error(`write-ahead log refused: ${describeFault(content.fault)}`, {
        cause: content.fault,
      })
    const entered = createHeightDriver({ ...modules, parent, set, post })
    current = entered
    await entered.begin(content.value)
    announce()

    function post(task: () => Promise<void>): void {
      mailbox.post(async () => {
        if (current !== entered) return
        await task()
        await conclude()
      })
    }
  }

  /** Commit what our machine has decided. A replayed log may decide the next height at once. */
  async function conclude(): Promise<void> {
    for (;;) {
      const { state, store, electorate } = height()
      const { decided, votes } = state()
      if (decided === null) return
      const bytes = store.bytesOf(decided.value)
      invariant(bytes !== null, 'driver: decided without the bytes')
      const tally = tallyOf(votes, decided.round, VoteKind.Precommit)
      const commit = makeCommit(votesFor(tally, decided.value), electorate.set)
      await finish(bytes, commit, false)
    }
  }

  /** A peer has shown the commit of our height; it is verified. */
  async function takeOver(bytes: Uint8Array, commit: Commit): Promise<void> {
    await finish(bytes, commit, true)
    await conclude()
  }

  async function finish(bytes: Uint8Array, commit: Commit, caughtUp: boolean): Promise<void> {
    const { electorate, seenAt } = height()
    const { height: decided, round, envelopeHash: hash } = commit
    height().end()
    await modules.commit(decided, bytes, commit)
    invariant(modules.head().height >= decided, 'driver: the head is behind what was committed')
    const seen = seenAt(hash)
    onEvent({
      type: 'commit',
      height: decided,
      round,
      hash,
      sinceProposalMs: seen === null ? null : clock.now() - seen,
      signers: electorate.set.validators.filter((_, index) => hasSigned(commit, index)).length,
      caughtUp,
    })
    await enterHeight()
  }

  function readInbox(): void {
    if (reading || inbox.isEmpty()) return
    reading = true
    mailbox.post(async () => {
      reading = false
      for (const received of reception.open(inbox.take(batchSize))) {
        await reception.receive(received)
        await conclude()
      }
      readInbox()
    })
  }

  /** Tell everybody where we stand, and again after the interval. */
  function announce(): void {
    peering.announce()
    cancelTick()
    cancelTick = clock.after(statusIntervalMs, () => mailbox.post(tick))
  }

  async function tick(): Promise<void> {
    const before = height()
    await before.settleVotes()
    await conclude()
    if (height() === before) announce()
  }

  async function start(): Promise<void> {
    const entered = mailbox.call(async () => {
      await enterHeight()
      await conclude()
    })
    releases.push(
      network.onMessage((peer, bytes) => {
        if (inbox.push({ peer, bytes })) readInbox()
      }),
      network.onConnect((peer) => mailbox.post(() => peering.greet(peer))),
      modules.onWork(() => mailbox.post(() => height().onWork())),
    )
    await entered
  }

  function fallSilent(): Promise<void> {
    for (const release of releases.splice(0)) release()
    cancelTick()
    current?.end()
    // The task that is still running may have begun a height.
    return mailbox.close().then(() => cancelTick())
  }

  /** Our own bug, the disk's failure, or a commit that our rules refuse: silence is always safe. */
  function halt(error: unknown): void {
    report(error)
    void fallSilent()
    onEvent({ type: 'halt', height: current?.electorate.height ?? 0n })
  }

  return {
    start,
    stop: async () => {
      await fallSilent()
      current?.end()
      await wal.close()
    },
    advance: () =>
      mailbox.call(async () => {
        if (modules.head().height < height().electorate.height) return
        await enterHeight()
        await conclude()
      }),
    view: () => {
      const { round, step, rules } = height().state()
      return { height: rules.height, round, step, self: rules.self }
    },
  }
}
