/**
 * The fraction tree, verifier's side: from the root down to one point of the leaves. Rules P-51 to
 * P-58 of docs/spec/proof.md.
 */
import { ok, type Result, refuse } from '../primitives/result.ts'
import {
  at,
  degree,
  type Element,
  type Elements,
  equalElements,
  isZero,
  join,
  plus,
  sumOf,
  times,
} from './extension.ts'
import { between, layerClaim, roundElements, type TreeProof } from './layers.ts'
import type { Transcript } from './transcript.ts'

export type TreeFault =
  | { readonly code: 'proof/fractions'; readonly why: 'sum' | 'denominator' }
  | { readonly code: 'proof/layer'; readonly layer: number }

/** What is left of the tree's claim: a leaf value at `zeta`. */
export type LeafClaimAt = { readonly zeta: Elements; readonly p: Element; readonly q: Element }

export function checkTree(
  { root, layers }: TreeProof,
  transcript: Transcript,
): Result<LeafClaimAt, TreeFault> {
  transcript.enter('root').absorbElements('root', root)
  let p = at(root, 0)
  let q = at(root, 1)
  if (!isZero(p)) return refuse({ code: 'proof/fractions', why: 'sum' })
  // Without this, 0/0 at some leaf would make every sum 0.
  if (isZero(q)) return refuse({ code: 'proof/fractions', why: 'denominator' })
  let zeta: Elements = new Uint32Array(0)
  let lambda = transcript.drawOne('lambda')
  for (const [layer, { rounds, values }] of layers.entries()) {
    const end = followLayer(plus(p, times(lambda, q)), zeta, rounds, transcript)
    const [p0, p1, q0, q1] = [at(values, 0), at(values, 1), at(values, 2), at(values, 3)]
    const node = sumOf([times(p0, q1), times(p1, q0), times(lambda, times(q0, q1))])
    if (!equalElements(node, end.claim)) return refuse({ code: 'proof/layer', layer })
    transcript.enter('layerEnd').absorbElements('values', values)
    const tau = transcript.drawOne('tau')
    p = between(p0, p1, tau)
    q = between(q0, q1, tau)
    zeta = join([tau, end.point])
    if (layer + 1 < layers.length) lambda = transcript.drawOne('lambda')
  }
  return ok({ zeta, p, q })
}

/** The rounds of the layer at `zeta`: their end point and what is claimed there. */
function followLayer(
  claim: Element,
  zeta: Elements,
  rounds: Elements,
  transcript: Transcript,
): { readonly point: Elements; readonly claim: Element } {
  const point = new Uint32Array(zeta.length)
  let rest = claim
  for (let from = 0; from < zeta.length; from += degree) {
    const message = rounds.subarray(roundElements * from, roundElements * (from + degree))
    const r = transcript.enter('layerRound').absorbElements('round', message).drawOne('r')
    point.set(r, from)
    rest = layerClaim(rest, zeta.subarray(from, from + degree), message, r)
  }
  return { point, claim: rest }
}
