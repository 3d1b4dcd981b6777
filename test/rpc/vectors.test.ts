/** The public vectors of Ethereum's JSON-RPC, against a running server. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { z } from 'zod'
import { keccakHash } from '../../primitives/hash.ts'
import { ok } from '../../primitives/result.ts'
import { createRpcServer, type RpcServer } from '../../rpc/server.ts'
import { modulesAround } from './modules.ts'
import { allPresent, folder, openVectorChain } from './vectorChain.ts'

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.io'))
  .sort()

/** Vectors that do not pass, and why. One that starts to pass fails here. */
const expectedFailures: ReadonlyMap<string, string> = new Map([
  [
    'testing_buildBlockV1/build-block-from-mempool.io',
    'a block is built by its proposer, with fields that consensus binds, never on request',
  ],
])

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

let server: RpcServer
let url: string

beforeAll(async () => {
  const chain = await openVectorChain()
  const { pool, ...rest } = modulesAround(chain).modules
  const modules = {
    ...rest,
    pool: { ...pool, add: async (raw: Uint8Array) => ok(keccakHash(raw)) },
  }
  server = createRpcServer({ port: 0 }, modules)
  await server.start()
  url = `http://127.0.0.1:${server.address()!.port}/`
})

afterAll(() => server.stop())

describe('public JSON-RPC vectors', () => {
  it(
    allPresent ? 'are all here' : 'are here in part: the whole set is not beside the repository',
    () => assert.equal(files.length, allPresent ? 138 : 61),
  )

  for (const file of files) {
    const reason = expectedFailures.get(file)
    if (reason === undefined) it(file, () => check(file))
    else it(`${file} still fails: ${reason}`, () => assert.rejects(check(file)))
  }
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
  const response = await fetch(url, { method: 'POST', body })
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
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, shapeOf(field)]),
  )
}
