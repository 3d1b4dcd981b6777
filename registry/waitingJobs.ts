/**
 * The line of jobs that wait for a place among the active ones. What decides who is next lies beside the
 * names, so that choosing reads one word for each job: whoever ends a job pays for the choice.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Hash } from '../primitives/hash.ts'
import { queuePriority } from './formulas.ts'
import { hashOfWord, listItem, listItems, listLength, listPush, listRemoveAt } from './layout.ts'
import type { World } from './records.ts'

/** Most jobs that may wait. */
export const maxWaiting = 256

/** Names, and in the same order price and height of opening in one word. */
const [names, terms] = ['waiting', 'waitingTerms']

const heightBits = 64n

export function waitingCount(world: World): Promise<number> {
  return listLength(world.jobs, names)
}

/** Put a job at the end of the line, in which there is room. */
export async function pushWaiting(
  world: World,
  id: Hash,
  pricePerMac: bigint,
  openedAt: bigint,
): Promise<void> {
  await listPush(world.jobs, BigInt(id), names)
  await listPush(world.jobs, (pricePerMac << heightBits) | openedAt, terms)
}

/** Take a job out of the line that gives up waiting. */
export async function dropWaiting(world: World, id: Hash): Promise<void> {
  await dropAt(world, (await listItems(world.jobs, names)).indexOf(BigInt(id)))
}

/** Take the job of the highest priority out of the line; ties go to the earlier place. Null: none waits. */
export async function takeWaiting(
  world: World,
  params: ChainParams,
  height: bigint,
): Promise<Hash | null> {
  let best: { readonly index: number; readonly priority: bigint } | null = null
  for (const [index, word] of (await listItems(world.jobs, terms)).entries()) {
    const openedAt = BigInt.asUintN(Number(heightBits), word)
    const epochs = (height - openedAt) / BigInt(params.epochLength)
    const priority = queuePriority(word >> heightBits, epochs)
    if (best === null || priority > best.priority) best = { index, priority }
  }
  if (best === null) return null
  const id = hashOfWord(await listItem(world.jobs, best.index, names))
  await dropAt(world, best.index)
  return id
}

async function dropAt(world: World, index: number): Promise<void> {
  await listRemoveAt(world.jobs, index, names)
  await listRemoveAt(world.jobs, index, terms)
}
