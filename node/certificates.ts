/**
 * Certificates at this node: judged when they arrive, passed on when they hold, tried again when they
 * were early, and offered to the builder.
 */
import type { Chain } from '../chain/chain.ts'
import type { CertificateClaim } from '../mempool/certificateClaim.ts'
import {
  type Certificate,
  type CertificatePool,
  createCertificatePool,
} from '../mempool/certificatePool.ts'
import type { Address } from '../primitives/address.ts'
import { fromHex } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import { type Hash, hashOf, keccakHash } from '../primitives/hash.ts'
import { type Fault, invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { certificateCost } from '../proof/certificateCost.ts'
import type { StepStatement, VerifyStep } from '../proof/stepVerifier.ts'
import type { Announcement } from './announcement.ts'
import type { Logger } from './logger.ts'
import { logFields } from './logger.ts'
import type { Metrics } from './metrics.ts'
import { decodeCertify, isEarly, statementOf } from './statement.ts'

export type CertificateModules = {
  readonly chain: Chain
  readonly clock: Clock
  readonly verify: VerifyStep
  readonly nextBaseFee: () => bigint
  readonly account: (
    address: Address,
  ) => Promise<{ readonly nonce: bigint; readonly balance: bigint }>
  /** Pass a certificate on to peers other than `except`. */
  readonly relay: (announcement: Announcement, except: string | null) => void
  /** Hold a false certificate against who sent it. */
  readonly punish: (peer: string, fault: Fault) => void
  readonly metrics: Metrics
  readonly log: Logger
}

export type Certificates = {
  readonly pool: CertificatePool
  /** A certificate from `peer`, or our own (null), whose statement we know to be true. */
  readonly take: (announcement: Announcement, peer: string | null) => Promise<Result<Hash, Fault>>
  /** Announce a certificate that waits once more, to peers that may have lost it. */
  readonly repeat: (certificate: Certificate) => void
  /** The head moved: try again what was early. */
  readonly onHead: () => void
  readonly stop: () => void
}

/** Own certificates remembered; the oldest are long settled. */
const maxOwn = 256

/** Certificates that wait for a head this node has not seen yet, and for how many blocks each does. */
const maxEarly = 64
const earlyBlocks = 16n

type Early = {
  readonly announcement: Announcement
  readonly peer: string
  /** Given up at this height. */
  readonly until: bigint
}

/** This node could not judge: it says nothing about the certificate. */
class Unavailable extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.code)
    this.fault = fault
  }
}

export function createCertificates(modules: CertificateModules): Certificates {
  const { chain, clock, verify, relay, punish, metrics, log } = modules
  const { engine, params } = chain.rules
  const stopping = new AbortController()
  const own = new Set<Hash>()
  let early: Early[] = []

  const pool = createCertificatePool(
    {},
    {
      engine,
      params,
      clock,
      account: modules.account,
      nextBaseFee: modules.nextBaseFee,
      screen: async (claim) => {
        const statement = await stated(claim)
        if (!statement.ok) return statement
        const { sidecarBytes, verifyMs } = certificateCost(
          statement.value.job,
          statement.value.range,
        )
        return ok({ sidecarBytes, verifyMs: Number(verifyMs) })
      },
      basis: async (claim) => {
        const statement = await stated(claim)
        if (!statement.ok) throw new Unavailable(statement.fault)
        return basisOf(statement.value)
      },
      verifyCertificate: async (claim, sidecar, basis) => {
        const statement = await stated(claim)
        if (!statement.ok) throw new Unavailable(statement.fault)
        // The head moved on while this waited.
        if (basisOf(statement.value) !== basis) throw new Unavailable({ code: 'unavailable/basis' })
        if (own.has(claim.transaction.hash)) return ok(null)
        const verdict = await verify(statement.value, sidecar, stopping.signal)
        if (!verdict.ok && verdict.fault.code.startsWith('unavailable/'))
          throw new Unavailable(verdict.fault)
        metrics.certificates.inc({ verdict: verdict.ok ? 'valid' : verdict.fault.code })
        return verdict.ok ? ok(null) : verdict
      },
    },
  )

  async function stated(claim: CertificateClaim): Promise<Result<StepStatement, Fault>> {
    const call = decodeCertify(claim.transaction.tx.data)
    if (call === null) return refuse({ code: 'certificate/call' })
    const { height } = chain.head()
    const reader = await chain.readAt(height)
    invariant(reader !== null, 'certificates: the head can be read')
    return statementOf(reader.world, params, height, call, claim.worker)
  }

  async function take(
    announcement: Announcement,
    peer: string | null,
    until: bigint = chain.head().height + earlyBlocks,
  ): Promise<Result<Hash, Fault>> {
    const { transaction, sidecar } = announcement
    try {
      const added = await pool.add(transaction, sidecar, peer ?? 'self')
      if (added.ok) {
        relay(announcement, peer)
        return ok(added.value.transaction.hash)
      }
      const { fault } = added
      if (fault.code === 'certificate/refused' && isEarly(fault.fault))
        hold(announcement, peer, until)
      if (fault.code === 'certificate/proof' && peer !== null) {
        log.warn({ fault: logFields(fault.fault) }, 'false certificate refused')
        punish(peer, fault.fault)
      }
      return added
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      hold(announcement, peer, until)
      return refuse(error.fault)
    }
  }

  function hold(announcement: Announcement, peer: string | null, until: bigint): void {
    if (peer === null || chain.head().height >= until) return
    early = [...early, { announcement, peer, until }].slice(-maxEarly)
  }

  function onHead(): void {
    const again = early
    early = []
    for (const { announcement, peer, until } of again)
      take(announcement, peer, until).catch((error) =>
        log.error({ err: error }, 'certificate failed'),
      )
  }

  return {
    pool,
    take: (announcement, peer) => {
      if (peer === null) {
        own.add(keccakHash(announcement.transaction))
        if (own.size > maxOwn) own.delete(own.values().next().value!)
      }
      return take(announcement, peer)
    },
    repeat: ({ transaction, sidecar }) => {
      const proof = pool.sidecar(sidecar)
      if (proof !== null) relay({ transaction: transaction.tx.serialize(), sidecar: proof }, null)
    },
    onHead,
    stop: () => stopping.abort(),
  }
}

/** Who must have signed: bits of the call, read by the lease's own set. */
function basisOf({ custodians }: StepStatement): Hash {
  return hashOf('waggle/custodians/v1', ...custodians.map((key) => fromHex(key)))
}
