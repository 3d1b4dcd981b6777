import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { beforeAll, describe, it } from 'vitest'
import type { Chain } from '../../chain/chain.ts'
import { packagedGenesis } from '../../cli/dataDir.ts'
import { devnetGenesis } from '../../cli/devnetGenesis.ts'
import { applyBlockRecord, loadBlockRecord, sidecarRetention } from '../../node/blockRecord.ts'
import { type Certificates, createCertificates } from '../../node/certificates.ts'
import { createCertifier } from '../../node/certifier.ts'
import { createEvidencePool } from '../../node/evidencePool.ts'
import { devnetKeys } from '../../node/keysDevnet.ts'
import { createLogger } from '../../node/logger.ts'
import { createMetrics } from '../../node/metrics.ts'
import { createSidecarStore, type SidecarStore } from '../../node/sidecarStore.ts'
import { createValues } from '../../node/values.ts'
import { type Genesis, parseGenesis } from '../../params/genesis.ts'
import { systemClock } from '../../primitives/clock.ts'
import type { Hash } from '../../primitives/hash.ts'
import { describeFault, ok, refuse } from '../../primitives/result.ts'
import { sidecarName } from '../../registry/sidecar.ts'
import { openMemory } from '../../storage/memory.ts'
import { claimOfLease, leaseOf, madeUp } from '../simulation/claim.ts'
import { accountOf, openSealedChain, type Sealed } from './sealedChain.ts'

const log = createLogger('silent', null)
const sound = Uint8Array.of(1, 2, 3)
const name = sidecarName(sound)

/** Proofs are judged by others' tests: here the sound one holds, and no other. */
function certificatesOf(chain: Chain): Certificates {
  return createCertificates({
    chain,
    clock: systemClock,
    verify: async (_statement, proof) =>
      sidecarName(proof) === name ? ok('valid') : refuse({ code: 'proof/untrue' }),
    nextBaseFee: () => chain.head().header.calcNextBaseFee(),
    account: async (address) => (await chain.readAt(chain.head().height))!.account(address),
    relay: () => {},
    punish: () => {},
    metrics: createMetrics(),
    log,
  })
}

function valuesOf(chain: Chain) {
  return createValues({
    chain,
    clock: systemClock,
    transactions: null as never,
    certificates: certificatesOf(chain).pool,
    evidence: createEvidencePool({ chain }),
    metrics: createMetrics(),
    log,
  })
}

function genesisWithJob(): Genesis {
  const parsed = parseGenesis(devnetGenesis(readFileSync(packagedGenesis, 'utf8'), 4))
  if (!parsed.ok) throw new Error(describeFault(parsed.fault))
  return parsed.value
}

/** A chain whose last block holds a certificate, and all its blocks. */
async function certifiedChain(genesis: Genesis) {
  const members = genesis.validators.map((_, i) => devnetKeys(i).address)
  const { chain, advance } = await openSealedChain(genesis)
  const blocks: Sealed[] = []
  for (;;) {
    for (const address of members) {
      const lease = await leaseOf(chain, address)
      if (lease === null) continue
      const certificates = certificatesOf(chain)
      const account = accountOf(address)
      const pools = {
        account: async () => (await chain.readAt(chain.head().height))!.account(account.address),
        nextBaseFee: () => chain.head().header.calcNextBaseFee(),
      }
      const certify = createCertifier({ chain, account, certificates, pools })
      const taken = await certify(claimOfLease(lease, madeUp(lease, sound), sound), sound)
      assert.ok(taken.ok, taken.ok ? '' : describeFault(taken.fault))
      const [entry] = certificates.pool.all()
      blocks.push(await advance({ candidates: [{ transaction: entry!.transaction }] }))
      return { chain, blocks }
    }
    blocks.push(await advance())
    assert.ok(blocks.length < 12, 'somebody holds a lease')
  }
}

describe('the record of a block with a certificate', () => {
  let genesis: Genesis
  let source: Awaited<ReturnType<typeof certifiedChain>>
  beforeAll(async () => {
    genesis = genesisWithJob()
    source = await certifiedChain(genesis)
  })

  /** A node that is one block behind, and what it makes of the last block's record. */
  async function apply(
    kept: boolean,
    fetchSidecar: (name: Hash) => Promise<Uint8Array | null>,
    changes: { readonly target?: bigint; readonly spoil?: (record: Uint8Array) => Uint8Array } = {},
  ) {
    const { chain, blocks } = source
    const giver = createSidecarStore(openMemory())
    const { height } = chain.head()
    if (kept) await giver.put(height, name, sound)
    const ours = await openSealedChain(genesis)
    for (const block of blocks.slice(0, -1)) await ours.follow(ours.chain, block)
    const required = valuesOf(chain).requiredSidecars
    const record = await loadBlockRecord({ chain, sidecars: giver }, required, height)
    const sidecars: SidecarStore = createSidecarStore(openMemory())
    const values = valuesOf(ours.chain)
    const { target = height, spoil = (bytes) => bytes } = changes
    const applied = await applyBlockRecord(
      { chain: ours.chain, sidecars, values, fetchSidecar },
      spoil(record!),
      target,
    )
    const outcome = applied.ok ? 'applied' : applied.fault.code
    const grown = ours.chain.head().height === height
    assert.equal(grown, applied.ok)
    return { outcome, stored: (await sidecars.get(name))?.bytes ?? null }
  }

  const nobody = async () => null
  const never = async () => assert.fail('nobody need be asked')

  it('is applied when its proof holds, which is kept', async () => {
    assert.deepEqual(await apply(true, never), { outcome: 'applied', stored: sound })
  })

  it('is applied with the proof of another peer, if the giver has forgotten it', async () => {
    const asked: Hash[] = []
    const another = async (wanted: Hash) => {
      asked.push(wanted)
      return sound
    }
    assert.deepEqual(await apply(false, another), { outcome: 'applied', stored: sound })
    assert.deepEqual(asked, [name])
  })

  it('waits, without blame, where no peer has the proof', async () => {
    assert.deepEqual(await apply(false, nobody), { outcome: 'sync/lacking', stored: null })
  })

  it('is refused, and nobody asked, if the block was never decided', async () => {
    const spoil = (record: Uint8Array) => {
      const copy = record.slice()
      // The last byte of the commit's signature: after it, the empty list of sidecars.
      copy[copy.length - 5]! ^= 1
      return copy
    }
    const { outcome } = await apply(false, never, { spoil })
    assert.equal(outcome, 'block/commit')
  })

  it('needs no proof beyond the time that proofs are kept', async () => {
    const target = source.chain.head().height + sidecarRetention
    assert.deepEqual(await apply(false, never, { target }), { outcome: 'applied', stored: null })
  })
})
