/**
 * The kernels that a lease is proved with: on a GPU where training runs on one, else on the processor.
 */
import type { BackendChoice } from '../compute/backend.ts'
import { describeAdapter } from '../compute/gpuAdapter.ts'
import { gpuKernels } from '../proof/gpuKernels.ts'
import { type GpuLink, openGpuLink } from '../proof/gpuLink.ts'
import type { Kernels } from '../proof/kernels.ts'

/** A device in a thread of its own. @throws {Error} if there is none. */
export function openProofGpu(): Promise<GpuLink> {
  return openGpuLink(new URL('./proofGpuThread.ts', import.meta.url))
}

type ProofGpuOptions = {
  readonly backend: BackendChoice
  /** Words of the smallest code that is sent to the device. */
  readonly sendFrom?: number | undefined
}

/**
 * `kernels` with a GPU, if the choice wants one, there is one and it passes its trial.
 *
 * @param warn - told once for a device that starts but does not serve, or fails later.
 */
export async function withProofGpu(
  kernels: Kernels,
  { backend, sendFrom }: ProofGpuOptions,
  warn: (text: string) => void,
  open: () => Promise<GpuLink> = openProofGpu,
): Promise<Kernels> {
  if (backend !== 'auto' && backend !== 'webgpu') return kernels
  // Whoever asked for a GPU that is not there is told by the backend that trains.
  const adapter = await describeAdapter()
  if (adapter === null || (adapter.software && backend === 'auto')) return kernels
  try {
    const link = await open()
    const kept = gpuKernels(kernels, link, warn, sendFrom)
    if (kept !== null) return kept
    await link.close()
    warn(`the GPU of the prover differs from the reference; proving continues on ${kernels.name}`)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    warn(`the GPU of the prover did not start: ${why}; proving continues on ${kernels.name}`)
  }
  return kernels
}
