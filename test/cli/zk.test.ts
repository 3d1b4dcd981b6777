import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it, vi } from 'vitest'
import { decodeCircuitInput, decodeZkProof, encodeZkProof } from '../../cli/zkFile.ts'
import { samplePuzzle } from '../../zk/samples.ts'
import { packGrid } from '../../zk/sudoku.ts'
import { jsonOf, waggle } from './support.ts'

vi.setConfig({ testTimeout: 180_000 })

describe('waggle zk', () => {
  let home: string
  let proof: string

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'waggle-zk-test-'))
    proof = join(home, 'proof.json')
    const ran = await waggle(['zk', 'prove', 'sudoku', 'sample', '-o', proof, '--json'])
    const { inputs } = jsonOf(ran) as { readonly inputs: Readonly<Record<string, string>> }
    assert.deepEqual(Object.values(inputs), packGrid(samplePuzzle).map(String))
  }, 180_000)
  afterAll(() => rm(home, { recursive: true, force: true }))

  it('verifies what it proved', async () => {
    const { valid } = jsonOf(await waggle(['zk', 'verify', 'sudoku', proof, '--json']))
    assert.equal(valid, true)
  })

  it('refuses a changed number, another circuit and another key', async () => {
    const file = decodeZkProof(await readFile(proof, 'utf8'))
    assert.ok(file.ok)
    const changed = join(home, 'changed.json')
    await writeFile(changed, encodeZkProof({ ...file.value, inputs: [1n, 2n] }))
    assert.match((await waggle(['zk', 'verify', 'sudoku', changed])).err, /zk\/wrongProof/)
    assert.match(
      (await waggle(['zk', 'verify', 'membership', proof])).err,
      /no proof of membership/,
    )
    const key = 'circuits/keys/membership.json'
    const { code, err } = await waggle(['zk', 'verify', 'sudoku', proof, '--key', key])
    assert.equal(code, 1)
    assert.match(err, /zk\/inputCount/)
  })

  it('says why there is no proof', async () => {
    const path = join(home, 'input.json')
    await writeFile(path, '{"puzzle": [0, 0], "solution": [1], "given": [0]}')
    const { code, err } = await waggle(['zk', 'prove', 'sudoku', path, '-o', join(home, 'x')])
    assert.equal(code, 1)
    assert.match(err, /zk\/noWitness/)
    const plonk = [
      'zk',
      'prove',
      'membership',
      'sample',
      '-o',
      join(home, 'x'),
      '--protocol',
      'plonk',
    ]
    assert.match((await waggle(plonk)).err, /has no plonk key/)
  })

  it('reads any text as a file or refuses it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        assert.equal(decodeZkProof(text).ok, false)
        const input = decodeCircuitInput(text)
        assert.equal(typeof input.ok, 'boolean')
      }),
    )
  })
})
