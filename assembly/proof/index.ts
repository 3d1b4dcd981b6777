/**
 * Kernels of the step proof's prover: `proof/kernels.ts` says what each does, in `proof/reference…` in
 * TypeScript. Vectors are elements end to end, five canonical words each; addresses are multiples of 4.
 */
export { setScratch } from './lanes'
export { leaves } from './leaves'
export { innerProduct, toPlanes, weighColumns, weighRows } from './matrices'
export { hashMessage } from './message'
export { hashColumns, hashPairs } from './sha256'
export { addWeighted, encodeRows } from './transform'
export { combine, foldQuads, sumQuads, tiltQuads } from './tree'
export { combinePairs, fillUnits, sumPairs } from './units'
export { addOuter, expand, fold, sumProducts } from './vectors'
