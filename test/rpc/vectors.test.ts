/** The public vectors of Ethereum's JSON-RPC, against a running server. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { z } from 'zod'
import { serveForeign } from '../../node/foreignNode.ts'
import type { RunningNode } from '../../node/node.ts'
import { allPresent, folder, openVectorChain } from './vectorChain.ts'

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.io'))
  .sort()

const hex = z.string().regex(/^0x[0-9a-f]*$/)
const resource = z.strictObject({
  disabled: z.boolean(),
  oldestBlock: hex.optional(),
  deleteStrategy: z.looseObject({ type: z.string() }).optional(),
})
/** Results of the specification whose parts may be left out; the others must have the vector's. */
const resultSchemas: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  [
    'eth_capabilities',
    z.strictObject({
      head: z.strictObject({ number: hex, hash: hex }),
      state: resource,
      tx: resource,
      logs: resource,
      receipts: resource,
      blocks: resource,
      stateproofs: resource,
    }),
  ],
])

let node: RunningNode

beforeAll(async () => {
  const options = { rpcHost: '127.0.0.1', rpcPort: 0 }
  node = await serveForeign(await openVectorChain(), options, (error) => reported.push(error))
})

afterAll(async () => {
  await node.stop()
  assert.deepEqual(reported, [])
})

const reported: unknown[] = []

describe('public JSON-RPC vectors', () => {
  it(
    allPresent ? 'are all here' : 'are here in part: the whole set is not beside the repository',
    () => assert.equal(files.length, allPresent ? 138 : 61),
  )

  for (const file of files) it(file, () => check(file))
})

async function check(file: string): Promise<void> {
  const lines = readFileSync(join(folder, file), 'utf8').split('\n')
  // Traces are judged by value although their form would do.
  const specOnly =
    !file.startsWith('debug_') && lines.some((line) => line.startsWith('// speconly'))
  let request = ''
  for (const line of lines) {
    if (line.startsWith('>> ')) request = line.slice(3)
    if (line.startsWith('<< '))
      compare(await post(request), JSON.parse(line.slice(3)), specOnly ? methodOf(file) : null)
  }
}

async function post(body: string): Promise<Answer> {
  const response = await fetch(node.rpcUrl, { method: 'POST', body })
  return (await response.json()) as Answer
}

type Answer = { readonly result?: unknown; readonly error?: { message?: string } }

/** @param specOnly - the method, if only the result's form is to be judged. */
function compare(got: Answer, expected: Answer, specOnly: string | null): void {
  const schema = resultSchemas.get(specOnly ?? '')
  if (specOnly === null) assert.deepEqual(withoutMessage(got), withoutMessage(expected))
  else if (schema === undefined) assert.deepEqual(shapeOf(got), shapeOf(expected))
  else schema.parse(got.result)
}

function methodOf(file: string): string {
  return file.split('/')[0]!
}

/** Our errors name the parameter in `data`, where the vectors have none. */
function withoutMessage({ error, ...rest }: Answer) {
  if (error === undefined) return rest
  const { message: _, data, ...kept } = error as { message?: string; data?: unknown }
  return { ...rest, error: typeof data === 'string' ? { ...kept, data } : kept }
}

function shapeOf(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith('0x') ? 'hex' : 'text'
  if (Array.isArray(value)) return distinct(value.map(shapeOf))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, shapeOf(field)]),
  )
}

/** How many items a list has is no part of its form. */
function distinct(shapes: readonly unknown[]): readonly unknown[] {
  return [...new Map(shapes.map((shape) => [JSON.stringify(shape), shape])).values()]
}
