/**
 * A validator whose prover gives its GPU the work of the smallest lease too: a real one would keep that
 * on the processor. What its workers warn of goes to its log.
 */
import { Command } from 'commander'
import { addStart } from '../../cli/commands/start.ts'
import { processIo } from '../../cli/io.ts'
import { createProofPool } from '../../node/proofPool.ts'

const io = processIo()
const program = new Command('prover')
const pool = createProofPool(
  { backend: 'webgpu', sendFrom: 2 ** 14 },
  { warn: (text) => io.err(`gpu: warning: ${text}\n`) },
)
addStart(program, io, {
  prove: () => {
    io.err('gpu: provers start\n')
    return pool.prove
  },
})
await program.parseAsync()
await pool.close()
process.exit()
