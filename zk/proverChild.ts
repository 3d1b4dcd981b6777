/**
 * The program of the process that proves: one task, then it waits to be ended.
 */
import { groth16, plonk, wtns } from 'snarkjs'
import type { ProvingNews, ProvingTask } from './prover.ts'

/** How far a proof is when snarkjs says this, as measured on circuits of 2^13 constraints. */
const marks: readonly (readonly [said: string, fraction: number])[] = [
  ['Building ABC', 0.1],
  ['Join ABC', 0.4],
  ['Reading A Points', 0.45],
  ['Reading B1 Points', 0.55],
  ['Reading B2 Points', 0.65],
  ['Reading C Points', 0.8],
  ['Reading H Points', 0.9],
  ['> ROUND 1', 0.1],
  ['> ROUND 2', 0.25],
  ['> ROUND 3', 0.4],
  ['> ROUND 4', 0.8],
  ['> ROUND 5', 0.85],
]

const tell = (news: ProvingNews) => process.send?.(news)

process.on('message', async (task: ProvingTask) => {
  const witness = { type: 'mem' as const }
  try {
    await wtns.calculate(task.input as never, task.wasm, witness)
  } catch (error) {
    tell({ type: 'refused', why: (error as Error).message.slice(0, 300) })
    return
  }
  const { proof, publicSignals } = await provers[task.protocol].prove(
    task.zkey,
    witness as never,
    logger,
  )
  tell({ type: 'proven', proof, inputs: publicSignals })
})

const provers = { groth16, plonk } as const

const hear = (said: string) => {
  const mark = marks.find(([text]) => said.startsWith(text))
  if (mark !== undefined) tell({ type: 'progress', fraction: mark[1] })
}
const logger = { debug: hear, info: hear, warn: hear, error: hear }
