import assert from 'node:assert/strict'
import { encodeFunctionData, parseAbi } from 'viem'
import { beforeEach, describe, it } from 'vitest'
import type { CertificateCost } from '../../chain/builder.ts'
import type { CertificateClaim } from '../../mempool/certificateClaim.ts'
import {
  type CertificatePool,
  type CertificatePoolOptions,
  createCertificatePool,
} from '../../mempool/certificatePool.ts'
import type { Verdict } from '../../mempool/verdicts.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Address, addressOfKey } from '../../primitives/address.ts'
import { utf8ToBytes } from '../../primitives/bytes.ts'
import type { Hash } from '../../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../../primitives/result.ts'
import { sidecarName } from '../../registry/sidecar.ts'
import { type Engine, openEngine } from '../../vm/engine.ts'
import { jobsModule } from '../../vm/modules/jobs.ts'
import type { Transaction } from '../../vm/transaction.ts'
import {
  alice,
  bob,
  chainId,
  hashText,
  keyOf,
  show,
  signed,
  testGenesis,
} from '../chain/support.ts'

const certifyAbi = parseAbi([
  'function certify(bytes32 jobId, uint32 range, bytes32 stateBefore, bytes32 stateAfter, bytes32 weights, uint64[] losses, uint256 custodians, bytes32 sidecar)',
])

const { params } = testGenesis()
const proof = (text: string) => utf8ToBytes(text)

describe('the certificate pool', () => {
  let engine: Engine
  let pool: CertificatePool
  let time: number
  let nonces: Map<Address, bigint>
  let verified: CertificateClaim[]
  let basis: Hash
  let screen: (claim: CertificateClaim) => Promise<Result<CertificateCost, Fault>>
  let verify: (claim: CertificateClaim, sidecar: Uint8Array) => Promise<Verdict>

  beforeEach(async () => {
    engine = await openEngine(chainId, [jobsModule(params, chainId)])
    time = 10_000
    nonces = new Map()
    verified = []
    basis = hashText('a set')
    screen = async () => ok({ sidecarBytes: 100, verifyMs: 5 })
    verify = async () => ok(null)
    pool = poolWith({})
  })

  function poolWith(options: CertificatePoolOptions): CertificatePool {
    return createCertificatePool(options, {
      engine,
      params,
      clock: { now: () => time },
      account: async (address) => ({ nonce: nonces.get(address) ?? 0n, balance: 10n ** 21n }),
      nextBaseFee: () => 1_000_000_000n,
      screen: (claim) => screen(claim),
      basis: async () => basis,
      verifyCertificate: (claim, sidecar) => {
        verified.push(claim)
        return verify(claim, sidecar)
      },
    })
  }

  type Claim = {
    readonly key?: Uint8Array
    readonly job?: string
    readonly range?: number
    readonly sidecar?: Hash
    readonly nonce?: bigint
    readonly maxFeePerGas?: bigint
    readonly after?: string
  }

  function certify(claim: Claim & { readonly proof?: string } = {}): Transaction {
    const data = encodeFunctionData({
      abi: certifyAbi,
      functionName: 'certify',
      args: [
        hashText(claim.job ?? 'job'),
        claim.range ?? 0,
        hashText('before'),
        hashText(claim.after ?? 'after'),
        hashText('weights'),
        [1n, 2n],
        0n,
        claim.sidecar ?? sidecarName(proof(claim.proof ?? 'proof')),
      ],
    })
    return signed(engine, claim.key ?? alice, {
      to: moduleAddresses.jobs,
      data,
      nonce: claim.nonce ?? 0n,
      maxFeePerGas: claim.maxFeePerGas,
      tip: 1n,
    })
  }

  const add = (transaction: Transaction, text = 'proof', from = 'peer') =>
    pool.add(transaction.tx.serialize(), proof(text), from)

  async function refused(transaction: Transaction, text?: string, from?: string) {
    const added = await add(transaction, text, from)
    assert.ok(!added.ok)
    return added.fault
  }

  it('verifies, keeps and passes on', async () => {
    const heard: string[] = []
    pool.onAdded(({ transaction }) => heard.push(transaction.hash))
    const transaction = certify()
    const added = await add(transaction)
    assert.ok(added.ok, show(added))
    const { job, range, worker, cost, announcedAt } = added.value
    assert.deepEqual(
      [job, range, worker, cost, announcedAt],
      [hashText('job'), 0, addressOfKey(alice), { sidecarBytes: 100, verifyMs: 5 }, 10_000],
    )
    assert.deepEqual(heard, [transaction.hash])
    assert.deepEqual(pool.sidecar(sidecarName(proof('proof'))), proof('proof'))
    assert.equal(pool.get(transaction.hash)!.transaction.hash, transaction.hash)
    assert.equal(verified.length, 1)
  })

  it('refuses cheaply first', async () => {
    screen = async () => refuse({ code: 'jobs/notHolder' })
    const plain = signed(engine, alice, { to: moduleAddresses.jobs, nonce: 0n })
    assert.equal((await refused(plain)).code, 'certificate/call')
    assert.deepEqual(await refused(certify(), 'another proof'), {
      code: 'certificate/sidecar',
      expected: sidecarName(proof('proof')),
      got: sidecarName(proof('another proof')),
    })
    assert.equal((await refused(certify({ nonce: 1n }))).code, 'certificate/nonce')
    const poor = certify({ maxFeePerGas: 999_999_999n, nonce: 0n })
    assert.equal((await refused(poor)).code, 'certificate/fee')
    assert.deepEqual(await refused(certify()), {
      code: 'certificate/refused',
      fault: { code: 'jobs/notHolder' },
    })
    assert.deepEqual(verified, [])
  })

  it('refuses proofs above the chain’s bound', async () => {
    const big = new Uint8Array(params.maxSidecarBytes + 1)
    const added = await pool.add(certify({ sidecar: sidecarName(big) }).tx.serialize(), big, 'peer')
    assert.deepEqual(added, {
      ok: false,
      fault: { code: 'certificate/sidecarSize', max: params.maxSidecarBytes, got: big.length },
    })
  })

  it('judges again when the same bits name other custodians', async () => {
    const transaction = certify()
    assert.ok((await add(transaction)).ok)
    assert.ok((await pool.judge(transaction, proof('proof'))).ok)
    assert.equal(verified.length, 1)
    basis = hashText('the next set')
    verify = async () => refuse({ code: 'custody/signature' })
    assert.deepEqual(await pool.judge(transaction, proof('proof')), {
      ok: false,
      fault: { code: 'certificate/proof', fault: { code: 'custody/signature' } },
    })
  })

  it('remembers a refused proof, but not one it could not judge', async () => {
    verify = async () => refuse({ code: 'proof/product' })
    for (let i = 0; i < 2; i++)
      assert.deepEqual(await refused(certify()), {
        code: 'certificate/proof',
        fault: { code: 'proof/product' },
      })
    assert.equal(verified.length, 1)
    verify = async () => refuse({ code: 'blob/missing', transient: true })
    assert.equal((await refused(certify({ range: 1 }))).code, 'certificate/proof')
    verify = async () => ok(null)
    assert.ok((await add(certify({ range: 1 }))).ok)
    assert.equal(verified.length, 3)
  })

  it('verifies one at a time of a lease and holder, others beside it', async () => {
    let running = 0
    let most = 0
    const release: (() => void)[] = []
    verify = async () => {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => release.push(resolve))
      running--
      return ok(null)
    }
    const same = [certify({ after: 'a' }), certify({ after: 'b' }), certify({ after: 'a' })]
    const pending = same.map((transaction, i) => add(transaction, 'proof', `peer${i}`))
    await settle()
    assert.equal(running, 1)
    const other = add(certify({ key: bob }), 'proof', 'peer9')
    await settle()
    assert.equal(running, 2)
    while (release.length > 0) {
      release.shift()!()
      await settle()
    }
    await Promise.all([...pending, other])
    assert.equal(most, 2)
    // The third is the first again: its verdict was known by then.
    assert.equal(verified.length, 3)
  })

  it('lets one source keep only so many verifications busy', async () => {
    const release: (() => void)[] = []
    verify = async () => {
      await new Promise<void>((resolve) => release.push(resolve))
      return ok(null)
    }
    const workers = ['a', 'b', 'c'].map(keyOf)
    const busy = [add(certify({ key: workers[0]! })), add(certify({ key: workers[1]! }))]
    await settle()
    assert.deepEqual(await refused(certify({ key: workers[2]! })), {
      code: 'certificate/busy',
      max: 2,
    })
    const elsewhere = add(certify({ key: workers[2]! }), 'proof', 'another')
    await settle()
    for (const go of release) go()
    for (const added of await Promise.all([...busy, elsewhere])) assert.ok(added.ok)
  })

  it('gives the builder what was announced long enough ago, in order', async () => {
    await add(certify({ key: bob, range: 1 }))
    time += 200
    await add(certify({ nonce: 0n }))
    await add(certify({ nonce: 1n, range: 1 }))
    assert.deepEqual(pool.take(), [])
    time += 300
    assert.equal(pool.take().length, 1)
    time += 200
    const taken = pool.take()
    assert.deepEqual(
      taken.map(({ transaction: { sender, tx } }) => [sender, tx.nonce]),
      [
        [addressOfKey(bob), 0n],
        [addressOfKey(alice), 0n],
        [addressOfKey(alice), 1n],
      ],
    )
    assert.deepEqual(taken[0]!.certificate, { sidecarBytes: 100, verifyMs: 5 })
  })

  it('keeps few copies of one claim, whatever their nonces and fees', async () => {
    for (let nonce = 0n; nonce < 4n; nonce++) assert.ok((await add(certify({ nonce }))).ok)
    assert.deepEqual(await refused(certify({ nonce: 4n })), { code: 'certificate/busy', max: 4 })
    assert.ok((await add(certify({ nonce: 4n, range: 1 }))).ok)
  })

  it('is bounded in bytes', async () => {
    pool = poolWith({ maxBytes: 12 })
    assert.ok((await add(certify({ proof: 'ten bytes.' }), 'ten bytes.')).ok)
    assert.deepEqual(await refused(certify({ key: bob })), {
      code: 'certificate/full',
      maxBytes: 12,
    })
  })

  it('keeps proofs for a while after inclusion, and drops what has become stale', async () => {
    pool = poolWith({ keptBlocks: 10n })
    const [mined, stale, fresh] = [
      certify({ proof: 'mined' }),
      certify({ key: bob, proof: 'stale' }),
      certify({ key: keyOf('carol'), proof: 'fresh' }),
    ]
    for (const [transaction, text] of [
      [mined, 'mined'],
      [stale, 'stale'],
      [fresh, 'fresh'],
    ] as const)
      assert.ok((await add(transaction, text)).ok)
    screen = async ({ worker }) =>
      worker === addressOfKey(bob)
        ? refuse({ code: 'jobs/otherRange' })
        : ok({ sidecarBytes: 100, verifyMs: 5 })
    await pool.reset(100n, [mined])
    assert.deepEqual(
      pool.all().map(({ transaction }) => transaction.hash),
      [fresh.hash],
    )
    assert.deepEqual(pool.sidecar(sidecarName(proof('mined'))), proof('mined'))
    assert.equal(pool.sidecar(sidecarName(proof('stale'))), null)
    await pool.reset(110n, [])
    assert.notEqual(pool.sidecar(sidecarName(proof('mined'))), null)
    await pool.reset(111n, [])
    assert.equal(pool.sidecar(sidecarName(proof('mined'))), null)
    assert.notEqual(pool.sidecar(sidecarName(proof('fresh'))), null)
  })

  it('keeps proofs that came with a proposal instead of through the pool', async () => {
    const name = sidecarName(proof('foreign'))
    await pool.reset(5n, [certify({ proof: 'foreign' })], new Map([[name, proof('foreign')]]))
    assert.deepEqual(pool.sidecar(name), proof('foreign'))
    pool = poolWith({ keptBytes: 10 })
    const names = ['one proof', 'two proof'].map((text) => sidecarName(proof(text)))
    for (const [i, text] of ['one proof', 'two proof'].entries())
      await pool.reset(5n, [certify({ proof: text })], new Map([[names[i]!, proof(text)]]))
    assert.equal(pool.sidecar(names[0]!), null)
    assert.notEqual(pool.sidecar(names[1]!), null)
  })

  it('judges certificates of proposals with the same verdicts', async () => {
    const transaction = certify()
    assert.ok((await pool.judge(transaction, proof('proof'))).ok)
    assert.ok((await add(transaction)).ok)
    assert.equal(verified.length, 1)
    const judged = await pool.judge(transaction, proof('no proof'))
    assert.ok(!judged.ok && judged.fault.code === 'certificate/sidecar')
  })

  it('drops what a worker’s later transactions have overtaken', async () => {
    const transaction = certify()
    await add(transaction)
    nonces.set(addressOfKey(alice), 1n)
    await pool.reset(1n, [])
    assert.deepEqual(pool.all(), [])
  })
})

/** Lets everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
  await new Promise((resolve) => setImmediate(resolve))
}
