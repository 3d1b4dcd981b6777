/**
 * Keys of proof systems in a genesis: the devnet's are the pinned ones, and a wrong one is no chain.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { type GenesisKey, parseGenesis } from '../../params/genesis.ts'
import { zeroAddress } from '../../primitives/address.ts'
import { fromHex, type Hex } from '../../primitives/bytes.ts'
import { zeroHash } from '../../primitives/hash.ts'
import { keyCount, readKey } from '../../registry/verificationKeys.ts'
import { registerGenesisKeys } from '../../vm/genesisKeys.ts'
import { keyName } from '../../zk/verifier.ts'
import { memoryWorld } from '../registry/world.ts'

const root = join(import.meta.dirname, '../..')
const genesisText = readFileSync(join(root, 'genesis.json'), 'utf8')
const pinned = JSON.parse(readFileSync(join(root, 'circuits/keys/names.json'), 'utf8')) as Record<
  string,
  string
>

function keysOf(): readonly GenesisKey[] {
  const genesis = parseGenesis(genesisText)
  assert.ok(genesis.ok)
  return genesis.value.verificationKeys
}

describe('the keys of the committed genesis', () => {
  it('are those of circuits/keys, and say that they are forgeable', () => {
    assert.deepEqual(
      keysOf().map(({ name }) => name),
      Object.values(pinned),
    )
    for (const { title } of keysOf()) assert.match(title, /devnet only, anybody can forge/)
  })

  it('are registered from the start, by nobody', async () => {
    const world = memoryWorld()
    await registerGenesisKeys(world, keysOf())
    assert.equal(await keyCount(world), keysOf().length)
    for (const { name, key } of keysOf()) {
      const record = await readKey(world, name)
      assert.equal(record?.registrant, zeroAddress)
      assert.deepEqual(record?.bytes, fromHex(key as Hex))
    }
  })
})

describe('a genesis', () => {
  const refused = (keys: readonly GenesisKey[], why: RegExp) =>
    assert.rejects(registerGenesisKeys(memoryWorld(), keys), why)

  it('is refused for a key that is not what its name says', async () => {
    const [first, second] = keysOf()
    await refused(
      [{ ...first!, name: second!.name }],
      /verificationKeys\.0\.name is not its digest/,
    )
    await refused([first!, { ...second!, name: zeroHash }], /verificationKeys\.1\.name/)
    await refused([{ ...first!, protocol: 'plonk' }], /name is not its digest/)
  })

  it('is refused for a key with a point off the curve, and for one named twice', async () => {
    const [first] = keysOf()
    const key = `${first!.key.slice(0, -1)}${first!.key.endsWith('0') ? '1' : '0'}`
    const name = keyName(first!.protocol, fromHex(key as Hex))
    await refused([{ ...first!, key, name }], /verificationKeys\.0\.key is refused/)
    await refused([first!, first!], /verificationKeys\.1 is named twice/)
  })

  it('is refused by field for a key of another kind or length', () => {
    const json = JSON.parse(genesisText) as { readonly verificationKeys: readonly object[] }
    for (const [field, value] of [
      ['protocol', 'stark'],
      ['key', '0x00'],
      ['key', `0x${'00'.repeat(32 * 145)}`],
      ['name', '0x12'],
      ['title', ''],
    ] as const) {
      const verificationKeys = json.verificationKeys.with(0, {
        ...json.verificationKeys[0],
        [field]: value,
      })
      const parsed = parseGenesis(JSON.stringify({ ...json, verificationKeys }))
      assert.equal(!parsed.ok && parsed.fault.field, `verificationKeys.0.${field}`)
    }
  })

  it('may have none', () => {
    const { verificationKeys: _, ...rest } = JSON.parse(genesisText) as Record<string, unknown>
    const parsed = parseGenesis(JSON.stringify(rest))
    assert.deepEqual(parsed.ok && parsed.value.verificationKeys, [])
  })
})
