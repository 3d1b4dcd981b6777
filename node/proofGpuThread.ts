/**
 * The thread of the prover's GPU: the program of a worker thread, see `proof/gpuLink.ts`.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { adapterFacts, findAdapter, requestDevice } from '../compute/gpuAdapter.ts'
import { createProofGpu } from '../proof/gpuDevice.ts'
import { type GpuStart, type GpuThreadData, serveGpu } from '../proof/gpuLink.ts'

async function start(): Promise<GpuStart> {
  try {
    const adapter = await findAdapter()
    if (adapter === null) return { trouble: 'there is no WebGPU adapter' }
    const { maxBinding } = adapterFacts(adapter)
    serveGpu(createProofGpu(await requestDevice(adapter), maxBinding), workerData as GpuThreadData)
    return { trouble: null, maxWords: Math.floor(maxBinding / 4) }
  } catch (error) {
    return { trouble: error instanceof Error ? error.message : String(error) }
  }
}

parentPort!.postMessage(await start())
