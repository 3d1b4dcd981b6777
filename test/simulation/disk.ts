/**
 * What a simulated node keeps over a crash: its log up to the last sync and a bit beyond, and what its
 * guard has signed. The files themselves are tested in `test/reliability`.
 */
import { publicKeyOf, sign, signReveal } from '../../consensus/bls.ts'
import type { Input } from '../../consensus/machineState.ts'
import { proposalSignBytes, voteSignBytes } from '../../consensus/messages.ts'
import { compare, positionOf, type Signed, type Signer } from '../../consensus/signer.ts'
import type { Wal } from '../../consensus/wal.ts'
import { equalBytes } from '../../primitives/bytes.ts'
import { ok, refuse } from '../../primitives/result.ts'
import { openMemory } from '../../storage/memory.ts'

export type Disk = {
  readonly store: ReturnType<typeof openMemory>
  /** A log for one life of the node; those of earlier lives write nowhere. */
  readonly openWal: () => Wal
  readonly signer: Signer
  /** Lose what was not synced, but for the first records of it. */
  readonly crash: (keep: (unsynced: number) => number) => void
}

type Records = { inputs: Input[]; envelopes: Uint8Array[]; sidecars: Uint8Array[] }

export function createDisk(secretKey: Uint8Array, chainId: number): Disk {
  let life = 0
  let height = 0n
  let records: Records = { inputs: [], envelopes: [], sidecars: [] }
  let synced = 0
  let last: { readonly signed: Signed; readonly bytes: Uint8Array } | null = null

  function openWal(): Wal {
    const mine = life
    const write = (action: () => void) => {
      if (mine === life) action()
    }
    return {
      open: async (at) => {
        if (at !== height) records = { inputs: [], envelopes: [], sidecars: [] }
        height = at
        synced = records.inputs.length
        return ok({ ...structuredClone(records), cut: 0 })
      },
      appendInput: (input) => write(() => records.inputs.push(input)),
      // The file of values is synced before that of inputs: they are never behind.
      appendEnvelope: (bytes) => write(() => records.envelopes.push(bytes)),
      appendSidecar: (bytes) => write(() => records.sidecars.push(bytes)),
      sync: async () =>
        write(() => {
          synced = records.inputs.length
        }),
      close: async () => {},
    }
  }

  function guard(next: Signed, bytes: Uint8Array) {
    const at = positionOf(next)
    const order = last === null ? 1 : compare(at, positionOf(last.signed))
    if (order < 0)
      return refuse({ code: 'signer/past' as const, at, last: positionOf(last!.signed) })
    if (order === 0 && !equalBytes(last!.bytes, bytes))
      return refuse({ code: 'signer/conflict' as const, at })
    last = { signed: next, bytes }
    return ok(null)
  }

  const signer: Signer = {
    publicKey: publicKeyOf(secretKey),
    signReveal: (at) => signReveal(secretKey, chainId, at),
    last: () => last?.signed ?? null,
    signVote: async (unsigned) => {
      const bytes = voteSignBytes(chainId, unsigned)
      const vote = { ...unsigned, signature: sign(secretKey, bytes) }
      const guarded = guard({ type: 'vote', vote }, bytes)
      return guarded.ok ? ok(vote) : guarded
    },
    signProposal: async (unsigned) => {
      const bytes = proposalSignBytes(chainId, unsigned)
      const proposal = { ...unsigned, signature: sign(secretKey, bytes) }
      const guarded = guard({ type: 'proposal', proposal }, bytes)
      return guarded.ok ? ok(proposal) : guarded
    },
  }

  return {
    store: openMemory(),
    openWal,
    signer,
    crash: (keep) => {
      life++
      records.inputs.length = synced + keep(records.inputs.length - synced)
    },
  }
}
