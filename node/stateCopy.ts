/**
 * Copying a state from a peer, node by node from its root down. Every node is checked against the name
 * that its parent gives it, so what is copied is the state of the root and nothing else. A copy that
 * was interrupted goes on: nodes that are here already are not asked for again.
 */
import type { Hash } from '../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import type { KeyValue } from '../storage/keyValue.ts'
import { type NodeName, namesIn, nodeKeyOf } from '../vm/stateNodes.ts'
import { nodeWrites, stateStore } from '../vm/stateStore.ts'
import { maxNodeNames } from './snapshotServer.ts'
import type { SnapshotSource } from './snapshotSource.ts'

/** Questions under way at once. */
const parallel = 4

/** Copy what lies under `root`. Gives the number of nodes that were fetched. */
export async function copyState(
  root: Hash,
  store: KeyValue,
  source: Pick<SnapshotSource, 'nodes' | 'blame'>,
): Promise<Result<number, Fault>> {
  const here = stateStore(store, 0)
  /** Names to look at, deepest last: a state is walked depth first, so this stays short. */
  const open: NodeName[] = [{ kind: 'account', hash: root }]
  let fetched = 0

  /** Take names until a question is full; what is here is only looked into. */
  async function nextQuestion(): Promise<readonly NodeName[]> {
    const missing: NodeName[] = []
    while (missing.length < maxNodeNames) {
      const name = open.pop()
      if (name === undefined) break
      const node = await here.get(nodeKeyOf(name))
      const known = node === undefined ? null : namesIn(name, node)
      if (known?.ok) open.push(...known.value)
      else missing.push(name)
    }
    return missing
  }

  async function fetch(names: readonly NodeName[]): Promise<Result<null, Fault>> {
    const answer = await source.nodes(names)
    if (!answer.ok) return answer
    if (answer.value.length === 0) return refuse({ code: 'snapshot/noState' })
    const checked = checkNodes(names, answer.value)
    if (!checked.ok) return source.blame(checked.fault)
    const { nodes, below } = checked.value
    await store.batch(nodeWrites(nodes))
    fetched += nodes.size
    open.push(...names.slice(answer.value.length), ...below)
    return ok(null)
  }

  for (;;) {
    const questions: (readonly NodeName[])[] = []
    while (questions.length < parallel) {
      const question = await nextQuestion()
      if (question.length === 0) break
      questions.push(question)
    }
    if (questions.length === 0) return ok(fetched)
    for (const answer of await Promise.all(questions.map(fetch))) if (!answer.ok) return answer
  }
}

/** Whether each answer is the node that was asked for in its place, and what these nodes name. */
function checkNodes(
  names: readonly NodeName[],
  answer: readonly Uint8Array[],
): Result<
  { readonly nodes: ReadonlyMap<string, Uint8Array>; readonly below: readonly NodeName[] },
  Fault
> {
  const nodes = new Map<string, Uint8Array>()
  const below: NodeName[] = []
  for (const [i, bytes] of answer.entries()) {
    const name = names[i]
    if (name === undefined) return refuse({ code: 'snapshot/answer' })
    const found = namesIn(name, bytes)
    if (!found.ok) return found
    nodes.set(nodeKeyOf(name), bytes)
    below.push(...found.value)
  }
  return ok({ nodes, below })
}
