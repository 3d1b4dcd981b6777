/**
 * A validator that certifies wrong weights: `start` with one weight of every result moved by one, and
 * the commitment recomputed so that the lie is consistent. A program of its own, so that nothing of it
 * is in the real one.
 */
import { Command } from 'commander'
import { addStart } from '../../cli/commands/start.ts'
import { processIo } from '../../cli/io.ts'
import { commitStateBytes } from '../../compute/modelState.ts'

const program = new Command('liar')
addStart(program, processIo(), {
  train: (honest) => async (task, control) => {
    const trained = await honest(task, control)
    if (!trained.ok) return trained
    const state = Uint8Array.from(trained.value.state)
    // The first weight: one up, or one down where it is at its limit.
    state[0] = state[0] === 127 ? 126 : (state[0]! + 1) % 256
    return { ok: true, value: { ...trained.value, state, commitment: commitStateBytes(state) } }
  },
})
await program.parseAsync()
process.exit()
