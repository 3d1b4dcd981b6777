/**
 * The program of the process that proves: one task, then it waits to be ended.
 */
import { type ProvingTask, proveHere } from './proveHere.ts'
import type { ProvingNews } from './prover.ts'

const tell = (news: ProvingNews) => process.send?.(news)
const progress = (fraction: number) => tell({ type: 'progress', fraction })

process.on('message', async (task: ProvingTask) => {
  const verdict = await proveHere(task, { progress, singleThread: false })
  tell({ type: 'verdict', verdict })
})
