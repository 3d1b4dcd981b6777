/**
 * Gives out what a node without a chain starts from: light blocks, envelopes and the nodes of a state.
 * Whoever asks checks every byte, so nothing here is signed.
 *
 * A question is a byte of kind and its fields; the answer of `nodes` is as many as fit, in order.
 */
import type { Chain } from '../chain/chain.ts'
import { lightBlockAt } from '../consensus/lightBlockAt.ts'
import type { Host } from '../network/host.ts'
import { type CodecFault, decode, type Reader, Writer } from '../primitives/codec.ts'
import type { Hash } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'
import { type NodeName, nodeKeyOf } from '../vm/stateNodes.ts'

export const snapshotTopic = 'snapshot'

export type SnapshotQuestion =
  /** Height of the head, 8 bytes. */
  | { readonly type: 'head' }
  | { readonly type: 'lightBlock'; readonly height: bigint }
  /** Which height a block hash has; the answer is 8 bytes. */
  | { readonly type: 'heightOf'; readonly hash: Hash }
  | { readonly type: 'envelope'; readonly height: bigint }
  | { readonly type: 'nodes'; readonly names: readonly NodeName[] }

/** Names in one question, and bytes in one answer before no further node is added. */
export const maxNodeNames = 512
const nodeBytes = 2_097_152
/** A node of a trie is short; a contract's code is at most this. @see EIP-170 */
const maxNodeBytes = 65_536
export const maxSnapshotAnswer = 16_777_216
const maxQuestion: number = 1 + 4 + 33 * maxNodeNames

const kinds = ['account', 'storage', 'code'] as const

export function encodeSnapshotQuestion(question: SnapshotQuestion): Uint8Array {
  switch (question.type) {
    case 'lightBlock':
      return new Writer().uint(0, 1).uint(question.height, 8).bytes()
    case 'heightOf':
      return new Writer().uint(1, 1).hash(question.hash).bytes()
    case 'envelope':
      return new Writer().uint(2, 1).uint(question.height, 8).bytes()
    case 'head':
      return new Writer().uint(4, 1).bytes()
    case 'nodes':
      return new Writer()
        .uint(3, 1)
        .list(question.names, ({ kind, hash }, to) => to.uint(kinds.indexOf(kind), 1).hash(hash))
        .bytes()
    default:
      return question satisfies never
  }
}

function readQuestion(reader: Reader): SnapshotQuestion {
  switch (reader.number(1)) {
    case 0:
      return { type: 'lightBlock', height: reader.uint(8) }
    case 1:
      return { type: 'heightOf', hash: reader.hash() }
    case 2:
      return { type: 'envelope', height: reader.uint(8) }
    case 3:
      return { type: 'nodes', names: reader.list(maxNodeNames, readName) }
    case 4:
      return { type: 'head' }
    default:
      return reader.fail('question')
  }
}

function readName(reader: Reader): NodeName {
  const kind = kinds[reader.number(1)] ?? reader.fail('kind of node')
  return { kind, hash: reader.hash() }
}

export function readNodes(answer: Uint8Array): Result<readonly Uint8Array[], CodecFault> {
  return decode(answer, (reader) => reader.list(maxNodeNames, (from) => from.blob(maxNodeBytes)))
}

/** Before the host starts. */
export function serveSnapshots(host: Pick<Host, 'serve'>, chain: Chain): void {
  host.serve(snapshotTopic, maxQuestion, async (_peer, bytes) => {
    const question = decode(bytes, readQuestion)
    return question.ok ? answerSnapshot(chain, question.value) : null
  })
}

async function answerSnapshot(
  chain: Chain,
  question: SnapshotQuestion,
): Promise<Uint8Array | null> {
  switch (question.type) {
    case 'lightBlock':
      return lightBlockAt(chain, question.height)
    case 'heightOf': {
      const height = await chain.heightOf(question.hash)
      return height === null ? null : new Writer().uint(height, 8).bytes()
    }
    case 'envelope':
      return chain.envelopeAt(question.height)
    case 'head':
      return new Writer().uint(chain.head().height, 8).bytes()
    case 'nodes':
      return nodesOf(chain, question.names)
    default:
      return question satisfies never
  }
}

/** The nodes asked for, up to the first that is not here or does not fit. */
async function nodesOf(chain: Chain, names: readonly NodeName[]): Promise<Uint8Array> {
  const nodes: Uint8Array[] = []
  let bytes = 0
  for (const name of names) {
    const node = await chain.head().states.get(nodeKeyOf(name))
    if (node === undefined || bytes >= nodeBytes) break
    nodes.push(node)
    bytes += node.length
  }
  return new Writer().list(nodes, (node, to) => to.blob(node)).bytes()
}
