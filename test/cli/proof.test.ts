import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { decodeProofFile, encodeProofFile } from '../../cli/proofFile.ts'
import { proveLease } from '../../proof/prover.ts'
import { tinyJob, trainLease } from '../proof/support.ts'
import { waggle } from './support.ts'

describe('waggle proof', () => {
  let home: string
  let bytes: Uint8Array
  const file = async (name: string, content: Uint8Array) => {
    const path = join(home, name)
    await writeFile(path, content)
    return path
  }

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'waggle-proof-test-'))
    const { claim, before, steps, batches } = await trainLease(tinyJob([5, 4, 3]), 1)
    const { statement, proof } = proveLease(claim, before, steps, batches)
    bytes = encodeProofFile({ statement, batches, proof })
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  it('verifies an honest file: exit code 0', async () => {
    const { code, out } = await waggle(['proof', 'verify', await file('good', bytes), '--json'])
    assert.equal(code, 0)
    const { valid, rows } = JSON.parse(out) as { readonly valid: boolean; readonly rows: string }
    assert.equal(valid, true)
    assert.match(rows, /not checked/)
  })

  it('refuses a changed proof: exit code 1, with the fault', async () => {
    const bad = Uint8Array.from(bytes)
    bad[bad.length - 10]! ^= 1
    const { code, err } = await waggle(['proof', 'verify', await file('bad', bad)])
    assert.equal(code, 1)
    assert.match(err, /refused/)
    assert.match(err, /proof\//)
  })

  it('says that a file is unreadable: exit code 2', async () => {
    for (const [name, content] of [
      ['empty', new Uint8Array()],
      ['short', bytes.subarray(0, 200)],
      ['other', new TextEncoder().encode('WGLMODL1 something else')],
    ] as const) {
      const { code, err } = await waggle(['proof', 'verify', await file(name, content)])
      assert.equal(code, 2, name)
      assert.match(err, /unreadable/)
    }
  })

  it('shows parts that add up, and the proven soundness', async () => {
    const { code, out } = await waggle(['proof', 'inspect', await file('good', bytes), '--json'])
    assert.equal(code, 0)
    const shown = JSON.parse(out) as {
      readonly parts: Readonly<Record<string, number>>
      readonly proofBytes: number
      readonly soundnessBits: number
    }
    const sum = Object.values(shown.parts).reduce((a, b) => a + b, 0)
    assert.equal(sum, shown.proofBytes)
    assert.ok(shown.soundnessBits >= 100)
  })

  it('reads any bytes without throwing', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = Uint8Array.from(bytes)
        changed[at] = value
        const decoded = decodeProofFile(changed)
        if (decoded.ok) assert.deepEqual(encodeProofFile(decoded.value), changed)
      }),
      { numRuns: 200 },
    )
  })
})
