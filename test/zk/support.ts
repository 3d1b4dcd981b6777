/**
 * Proofs, keys and a second implementation of the curve for the tests of zero-knowledge proofs.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bn254 } from '@noble/curves/bn254.js'
import { hashOf } from '../../primitives/hash.ts'
import { devnetArtefacts } from '../../zk/artefacts.ts'
import type { Curve, G1, G2 } from '../../zk/bn254.ts'
import type { CircuitInput, CircuitName } from '../../zk/circuits.ts'
import { loadCurve } from '../../zk/mclCurve.ts'
import type { Proven } from '../../zk/proveHere.ts'
import { prove } from '../../zk/prover.ts'
import { keyBytesOf } from '../../zk/snarkjsJson.ts'
import { keyName, type Protocol, parseKey } from '../../zk/verifier.ts'

const keys = join(import.meta.dirname, '..', '..', 'circuits', 'keys')

/** A pinned key: as JSON, as bytes, by name and parsed. */
export async function pinnedKey(circuit: CircuitName, protocol: Protocol = 'groth16') {
  const file = protocol === 'groth16' ? circuit : `${circuit}-${protocol}`
  const json: unknown = JSON.parse(readFileSync(join(keys, `${file}.json`), 'utf8'))
  const encoded = keyBytesOf(json)
  assert.ok(encoded.ok)
  const { bytes } = encoded.value
  const parsed = parseKey(await loadCurve(), protocol, bytes)
  assert.ok(parsed.ok)
  return { json, bytes, name: keyName(protocol, bytes), key: parsed.value }
}

export async function proofOf(
  circuit: CircuitName,
  input: CircuitInput,
  protocol: Protocol = 'groth16',
): Promise<Proven> {
  const proven = await prove(await devnetArtefacts(circuit, protocol), input, { protocol })
  assert.ok(proven.ok, proven.ok ? '' : JSON.stringify(proven.fault))
  return proven.value
}

/** Reproducible dice. */
export function dice(seed: string): (below: number) => number {
  let at = 0
  return (below) => {
    at += 1
    return Number(
      BigInt(hashOf('test/dice', new TextEncoder().encode(`${seed} ${at}`))) % BigInt(below),
    )
  }
}

/** The curve by another library, in plain JavaScript. */
export const nobleCurve: Curve = {
  isInGroup: (point) => pointG2(point).isTorsionFree(),
  combine: (points, scalars) => {
    const sum = points.reduce<typeof bn254.G1.Point.ZERO>(
      (total, point, i) =>
        scalars[i] === 0n ? total : total.add(pointG1(point).multiply(scalars[i]!)),
      bn254.G1.Point.ZERO,
    )
    return sum.is0() ? null : sum.toAffine()
  },
  pairsToOne: (pairs) =>
    bn254.fields.Fp12.eql(
      bn254.pairingBatch(pairs.map(([g1, g2]) => ({ g1: pointG1(g1), g2: pointG2(g2) }))),
      bn254.fields.Fp12.ONE,
    ),
}

function pointG1(point: G1) {
  return bn254.G1.Point.fromAffine(point)
}

function pointG2({ x, y }: G2) {
  return bn254.G2.Point.fromAffine({ x: { c0: x[0], c1: x[1] }, y: { c0: y[0], c1: y[1] } })
}
