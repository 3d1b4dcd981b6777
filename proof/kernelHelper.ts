/**
 * A helper thread of a team of kernels.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { type HelperData, help } from './kernelTeam.ts'

help(workerData as HelperData, () => parentPort!.postMessage('ready'))
