/**
 * A whole ceremony on a circuit of one constraint: contributions, a beacon, and the checks; and the
 * devnet's shortcut, which must give keys that snarkjs proves and verifies with.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as snarkjs from 'snarkjs'
import { afterAll, describe, it, vi } from 'vitest'
import { concatBytes, uintBytes, utf8ToBytes } from '../../primitives/bytes.ts'
import { scalarOrder } from '../../zk/bn254.ts'
import { devnetGroth16 } from '../../zk/devnetSetup.ts'
import { openFixedBase } from '../../zk/fixedBase.ts'
import { parseR1cs } from '../../zk/r1cs.ts'

vi.setConfig({ testTimeout: 180_000 })

const { groth16, powersOfTau, zKey } = snarkjs

const folder = mkdtempSync(join(tmpdir(), 'waggle-ceremony-'))
const at = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const u32 = (value: number) => uintBytes(value, 4).reverse()
const u64 = (value: number) => uintBytes(value, 8).reverse()
const scalar = (value: bigint) => uintBytes(value, 32).reverse()
const file = (magic: string, version: number, ...bodies: readonly Uint8Array[]) =>
  concatBytes(
    ...[utf8ToBytes(magic), u32(version), u32(bodies.length)],
    ...bodies.flatMap((body, i) => [u32(i + 1), u64(body.length), body]),
  )

/** `x · x = y`: wires one, y (public), x. */
const wire = (index: number) => concatBytes(u32(1), u32(index), scalar(1n))
const square = file(
  'r1cs',
  1,
  concatBytes(u32(32), scalar(scalarOrder), u32(3), u32(1), u32(0), u32(1), u64(3), u32(1)),
  concatBytes(wire(2), wire(2), wire(1)),
  concatBytes(u64(0), u64(1), u64(2)),
)
const header = concatBytes(u32(32), scalar(scalarOrder), u32(3))
const witness = file('wtns', 2, header, concatBytes(scalar(1n), scalar(49n), scalar(7n)))

async function provesWith(key: string): Promise<void> {
  writeFileSync(at('w.wtns'), witness)
  const { proof, publicSignals } = await groth16.prove(key, at('w.wtns'))
  const verification = await zKey.exportVerificationKey(key)
  assert.deepEqual(publicSignals, ['49'])
  assert.ok(await groth16.verify(verification, publicSignals, proof))
  assert.equal(await groth16.verify(verification, ['50'], proof), false)
}

describe('a ceremony', () => {
  it('of two contributors and a beacon is checked from its first byte', async () => {
    writeFileSync(at('c.r1cs'), square)
    await startPowers(at('0.ptau'))
    await powersOfTau.beacon(at('0.ptau'), at('1.ptau'), 'beacon', 'ab'.repeat(32), 10 as never)
    await powersOfTau.preparePhase2(at('1.ptau'), at('2.ptau'))
    await zKey.newZKey(at('c.r1cs'), at('2.ptau'), at('0.zkey'))
    await zKey.contribute(at('0.zkey'), at('1.zkey'), 'ada', 'one')
    const second = await ceremony('contribute', at('1.zkey'), at('2.zkey'), 'bob')
    assert.match(second, /^contribution 0x[0-9a-f]{128}$/m)
    await ceremony('finish', at('2.zkey'), at('3.zkey'), 'cd'.repeat(32))
    await ceremony('finish', at('2.zkey'), at('4.zkey'), 'cd'.repeat(32))
    // A beacon is no secret: everybody comes to the same key.
    assert.deepEqual(readFileSync(at('4.zkey')), readFileSync(at('3.zkey')))
    assert.ok(await zKey.verifyFromR1cs(at('c.r1cs'), at('2.ptau'), at('3.zkey')))
    await provesWith(at('3.zkey'))
  })
})

/** What the script prints. */
async function ceremony(...args: readonly string[]): Promise<string> {
  const script = join(import.meta.dirname, '../../scripts/ceremony.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args])
  return stdout
}

async function startPowers(path: string): Promise<void> {
  // The library's types leave out the curves that it exports.
  const { curves } = snarkjs as unknown as {
    readonly curves: { readonly getCurveFromName: (name: string) => Promise<never> }
  }
  await powersOfTau.newAccumulator(await curves.getCurveFromName('bn128'), 3, path)
}

describe('the devnet setup', () => {
  it('gives the same key each time, and one that proves', async () => {
    const base = await openFixedBase()
    const circuit = parseR1cs(square)
    const key = devnetGroth16(base, circuit, 'test')
    assert.deepEqual(devnetGroth16(base, circuit, 'test'), key)
    assert.notDeepEqual(devnetGroth16(base, circuit, 'other'), key)
    writeFileSync(at('d.zkey'), key)
    await provesWith(at('d.zkey'))
  })
})
