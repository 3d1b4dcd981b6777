/**
 * The verifier where there is no Node: in a browser, or in any other engine. Nothing that it imports
 * needs a platform's modules (test/proof/portable.test.ts).
 */
import type { Hash } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'
import { kernelsOn } from './arenaKernels.ts'
import { checkDatasetRows, type DatasetName, type RowsFault } from './datasetRows.ts'
import type { Kernels } from './kernels.ts'
import type { StateShape } from './parameters.ts'
import { commitWeights } from './prover.ts'
import { referenceKernels } from './referenceKernels.ts'
import { sha256 } from './sha256.ts'
import type { BatchRows, ProofStatement } from './statement.ts'
import { type ProofFault, verifyStepProof } from './verifier.ts'
import { arenaMemory, exportsOf, openArena } from './wasmArena.ts'
import type { Weights } from './witness.ts'

export type PortableVerifier = {
  /** Whether a lease's proof holds. @param batches - the rows of each step. */
  readonly verifyProof: (
    statement: ProofStatement,
    batches: readonly BatchRows[],
    proof: Uint8Array,
  ) => Result<'valid', ProofFault>
  /** Whether `batch` is the dataset's rows at `indices`. @param paths - each row's Merkle path. */
  readonly checkRows: (
    dataset: DatasetName,
    indices: ArrayLike<number>,
    batch: BatchRows,
    paths: readonly (readonly Uint8Array[])[],
  ) => Result<'rows', RowsFault>
  /** What certificates of a proven job name its weights by. */
  readonly commitWeights: (job: StateShape, weights: Weights) => Hash
}

/**
 * @param wasm - the bytes of `dist/wasm/proof.wasm`; without them everything runs in plain TypeScript,
 * several times slower.
 */
export function openPortableVerifier(wasm: Uint8Array<ArrayBuffer> | null): PortableVerifier {
  const kernels = wasm === null ? referenceKernels : compiledKernels(wasm)
  return {
    verifyProof: (statement, batches, proof) => verifyStepProof(statement, batches, proof, kernels),
    checkRows: checkDatasetRows,
    commitWeights: (job, weights) => commitWeights(job, weights, kernels),
  }
}

function compiledKernels(wasm: Uint8Array<ArrayBuffer>): Kernels {
  const memory = arenaMemory()
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } })
  return kernelsOn(openArena(memory, exportsOf(instance)), sha256)
}
