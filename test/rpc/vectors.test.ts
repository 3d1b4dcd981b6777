/** The public vectors of Ethereum's JSON-RPC, against a running server. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { keccakHash } from '../../primitives/hash.ts'
import { ok } from '../../primitives/result.ts'
import { createRpcServer, type RpcServer } from '../../rpc/server.ts'
import { modulesAround } from './modules.ts'
import { allPresent, folder, openVectorChain } from './vectorChain.ts'

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.io'))
  .sort()

/** Vectors that do not pass, and why. One that starts to pass fails here. */
const expectedFailures: ReadonlyMap<string, string> = new Map(
  files
    .filter((file) => /^debug_|capab|eth_config|createAcc|testing_/.test(file))
    .map((file) => [file, 'not yet']),
)

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
  const specOnly = lines.some((line) => line.startsWith('// speconly'))
  let request = ''
  for (const line of lines) {
    if (line.startsWith('>> ')) request = line.slice(3)
    if (line.startsWith('<< ')) compare(await post(request), JSON.parse(line.slice(3)), specOnly)
  }
}

async function post(body: string): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body })
  return (await response.json()) as Answer
}

type Answer = { readonly result?: unknown; readonly error?: { message?: string } }

function compare(got: Answer, expected: Answer, specOnly: boolean): void {
  if (specOnly) assert.deepEqual(shapeOf(got), shapeOf(expected))
  else assert.deepEqual(withoutMessage(got), withoutMessage(expected))
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
