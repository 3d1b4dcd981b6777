/**
 * A helper thread of a team.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { type HelperData, help } from './wasmTeam.ts'

help(workerData as HelperData, () => parentPort!.postMessage('ready'))
