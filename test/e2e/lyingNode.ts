/**
 * A validator that certifies what is not so. In replayed jobs one weight of every result is moved by
 * one, and the commitment recomputed so that the lie is consistent; in proven jobs, where that would have
 * no proof, one byte of every proof is another. A program of its own, so that nothing of it is in the
 * real one.
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
  prove: (honest) => async (task, control) => {
    const proven = await honest(task, control)
    if (!proven.ok) return proven
    const proof = Uint8Array.from(proven.value.proof)
    proof[proof.length >> 1]! ^= 1
    return { ok: true, value: { ...proven.value, proof } }
  },
})
await program.parseAsync()
process.exit()
