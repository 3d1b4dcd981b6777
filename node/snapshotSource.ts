/**
 * One peer as the source of a snapshot: typed questions, bounded answers, and blame for false ones.
 */
import { decodeLightBlock, type LightBlock } from '../consensus/lightBlock.ts'
import type { Host } from '../network/host.ts'
import type { PeerId } from '../network/peer.ts'
import { bytesToUint } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import type { NodeName } from '../vm/stateNodes.ts'
import {
  encodeSnapshotQuestion,
  maxSnapshotAnswer,
  readNodes,
  type SnapshotQuestion,
  snapshotTopic,
} from './snapshotServer.ts'

export type SnapshotSource = {
  readonly peer: PeerId
  readonly head: () => Promise<Result<bigint, Fault>>
  readonly heightOf: (hash: Hash) => Promise<Result<bigint, Fault>>
  readonly lightBlock: (height: bigint) => Promise<Result<LightBlock, Fault>>
  readonly envelope: (height: bigint) => Promise<Result<Uint8Array, Fault>>
  /** A beginning of what was asked for; not checked against the names. */
  readonly nodes: (names: readonly NodeName[]) => Promise<Result<readonly Uint8Array[], Fault>>
  /** The peer gave something false: ban it. */
  readonly blame: <F extends Fault>(fault: F) => { readonly ok: false; readonly fault: F }
}

/** Points for an answer that is false: at once out. */
const falsePoints = 100
const answerMs = 20_000

export function snapshotSource(
  host: Pick<Host, 'request' | 'penalize'>,
  peer: PeerId,
): SnapshotSource {
  function blame<F extends Fault>(fault: F): { readonly ok: false; readonly fault: F } {
    host.penalize(peer, falsePoints, fault.code)
    return refuse(fault)
  }

  function ask(question: SnapshotQuestion): Promise<Result<Uint8Array, Fault>> {
    const limits = { timeoutMs: answerMs, maxBytes: maxSnapshotAnswer }
    return host.request(peer, snapshotTopic, encodeSnapshotQuestion(question), limits)
  }

  async function askHeight(question: SnapshotQuestion): Promise<Result<bigint, Fault>> {
    const answer = await ask(question)
    if (!answer.ok) return answer
    const { length } = answer.value
    return length === 8 ? ok(bytesToUint(answer.value)) : blame({ code: 'snapshot/answer' })
  }

  return {
    peer,
    blame,
    head: () => askHeight({ type: 'head' }),
    heightOf: (hash) => askHeight({ type: 'heightOf', hash }),
    lightBlock: async (height) => {
      const answer = await ask({ type: 'lightBlock', height })
      if (!answer.ok) return answer
      const block = decodeLightBlock(answer.value)
      return block.ok ? block : blame(block.fault)
    },
    envelope: (height) => ask({ type: 'envelope', height }),
    nodes: async (names) => {
      const answer = await ask({ type: 'nodes', names })
      if (!answer.ok) return answer
      const nodes = readNodes(answer.value)
      return nodes.ok ? nodes : blame(nodes.fault)
    },
  }
}
