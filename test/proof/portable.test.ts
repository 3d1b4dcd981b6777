import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { describe, it } from 'vitest'
import { openPortableVerifier } from '../../proof/portable.ts'
import { proveLease } from '../../proof/prover.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { tinyJob, trainLease } from './support.ts'

const root = join(import.meta.dirname, '../..')
const wasm = Uint8Array.from(readFileSync(join(root, 'dist/wasm/proof.wasm')))

/** Every module that runs when `file` is imported; those that only lend types do not. */
function importsOf(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  if (!file.endsWith('.ts')) return seen
  const text = readFileSync(join(root, file), 'utf8')
  for (const [statement, name] of text.matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)'/gm))
    if (!/^(import|export) type\b/.test(statement))
      importsOf(name!.startsWith('.') ? normalize(join(file, '..', name!)) : name!, seen)
  return seen
}

describe('the portable verifier', () => {
  it('imports no module of a platform', () => {
    const outside = [...importsOf('proof/portable.ts')].filter((name) => !name.endsWith('.ts'))
    assert.deepEqual(
      outside.filter((name) => !name.startsWith('@noble/')),
      [],
    )
    const own = [...importsOf('proof/portable.ts')].filter((name) => name.endsWith('.ts'))
    for (const file of own)
      assert.doesNotMatch(
        readFileSync(join(root, file), 'utf8'),
        /\b(node:|process\.|globalThis\.|require\()/,
        file,
      )
  })

  it.each([
    ['compiled kernels', wasm],
    ['plain TypeScript', null],
  ])('judges with %s', async (_name, bytes) => {
    const lease = await trainLease(tinyJob([5, 4, 3], { leaseSteps: 2 }), 1)
    const { claim, before, steps, batches } = lease
    const { statement, proof } = proveLease(claim, before, steps, batches, openWasmKernels())
    const { verifyProof } = openPortableVerifier(bytes)
    assert.deepEqual(verifyProof(statement, batches, proof), { ok: true, value: 'valid' })
    const other = { ...statement, losses: statement.losses.map((loss) => loss + 1n) }
    assert.equal(verifyProof(other, batches, proof).ok, false)
    const flipped = Uint8Array.from(proof)
    flipped[proof.length - 1] = flipped[proof.length - 1]! ^ 1
    assert.equal(verifyProof(statement, batches, flipped).ok, false)
  })
})
