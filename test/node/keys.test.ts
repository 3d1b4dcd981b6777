import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  createKeys,
  keyFoldersIn,
  listKeys,
  loadAccountKey,
  loadKeys,
  namesOf,
  newSecrets,
  possessionOf,
  readPassword,
} from '../../node/keys.ts'
import { devnetAccount, devnetKeys } from '../../node/keysDevnet.ts'
import { fromHex, toHex } from '../../primitives/bytes.ts'
import { checkPossession } from '../../primitives/possession.ts'

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'waggle-keys-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function devnetFolder(name: string): Promise<string> {
  const folder = join(home, name)
  const made = await createKeys(folder, 'secret', devnetKeys(0), 'devnet')
  assert.equal(made.ok, true)
  return folder
}

async function change(path: string, edit: (json: Record<string, never>) => unknown): Promise<void> {
  const text = await readFile(path, 'utf8')
  await writeFile(path, JSON.stringify(edit(JSON.parse(text))))
}

describe('a folder of keys', () => {
  it('gives back what was put in, at full strength', async () => {
    const folder = join(home, 'strong')
    const secrets = newSecrets()
    const made = await createKeys(folder, 'correct horse', secrets)
    assert.deepEqual(made, { ok: true, value: namesOf(secrets) })
    const loaded = await loadKeys(folder, 'correct horse')
    assert.deepEqual(loaded, { ok: true, value: { ...secrets, ...namesOf(secrets) } })
    const voting = JSON.parse(await readFile(join(folder, 'voting.json'), 'utf8'))
    assert.equal(voting.crypto.kdf.params.n, 262_144)
  }, 60_000)

  it('is readable by its owner alone', async () => {
    const folder = await devnetFolder('modes')
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    const names = await readdir(folder)
    assert.deepEqual(names.sort(), ['account.json', 'network.seed', 'voting.json'])
    for (const name of names)
      assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
  })

  it('holds no secret in the clear but the network seed', async () => {
    const folder = await devnetFolder('clear')
    const { accountKey, votingKey } = devnetKeys(0)
    for (const name of ['account.json', 'voting.json']) {
      const text = await readFile(join(folder, name), 'utf8')
      for (const secret of [accountKey, votingKey])
        assert.equal(text.includes(toHex(secret).slice(2)), false, name)
    }
  })

  it('is never overwritten, and a refusal leaves nothing behind', async () => {
    const folder = await devnetFolder('once')
    const before = await readFile(join(folder, 'account.json'), 'utf8')
    const again = await createKeys(folder, 'other', devnetKeys(1), 'devnet')
    assert.deepEqual(again, { ok: false, fault: { code: 'keys/exists', folder } })
    assert.equal(await readFile(join(folder, 'account.json'), 'utf8'), before)
    assert.deepEqual(
      (await readdir(home)).filter((name) => name.startsWith('.keys-')),
      [],
    )
  })

  it('names a wrong password as such, with the file', async () => {
    const folder = await devnetFolder('wrong')
    const path = join(folder, 'account.json')
    assert.deepEqual(await loadKeys(folder, 'Secret', { allowWeak: true }), {
      ok: false,
      fault: { code: 'keystore/password', path },
    })
  })

  it('is refused as too weak unless weakness is allowed', async () => {
    const folder = await devnetFolder('weak')
    const refused = await loadKeys(folder, 'secret')
    assert.equal(!refused.ok && refused.fault.code, 'keystore/weak')
    const allowed = await loadKeys(folder, 'secret', { allowWeak: true })
    assert.deepEqual(allowed, { ok: true, value: devnetKeys(0) })
  })

  it('lists its names without a password', async () => {
    const folder = await devnetFolder('list/a')
    await mkdir(join(home, 'list/empty'))
    const { address, publicKey } = devnetKeys(0)
    assert.deepEqual(await listKeys(folder), { ok: true, value: { address, publicKey } })
    assert.deepEqual(await keyFoldersIn(join(home, 'list')), [folder])
    assert.deepEqual(await keyFoldersIn(join(home, 'nowhere')), [])
  })

  it('says which file is missing', async () => {
    const folder = await devnetFolder('missing')
    await rm(join(folder, 'voting.json'))
    const path = join(folder, 'voting.json')
    assert.deepEqual(await loadKeys(folder, 'secret', { allowWeak: true }), {
      ok: false,
      fault: { code: 'keys/missing', path },
    })
  })
})

describe('a hostile or damaged keystore', () => {
  const cases = {
    'is no JSON': { file: 'account.json', text: '{', code: 'keystore/malformed', field: '' },
    'is of another version': {
      file: 'account.json',
      edit: (json: object) => ({ ...json, version: 1 }),
      code: 'keystore/malformed',
      field: 'version',
    },
    'is too long': {
      file: 'voting.json',
      text: ' '.repeat(70_000),
      code: 'keystore/malformed',
      field: '',
    },
    'has a bad seed': { file: 'network.seed', text: '0x12', code: 'keys/seed', length: 4 },
  }
  for (const [name, { file, code, ...rest }] of Object.entries(cases))
    it(`is refused when it ${name}`, async () => {
      const folder = await devnetFolder(name.replaceAll(' ', ''))
      const path = join(folder, file)
      if ('text' in rest) await writeFile(path, rest.text)
      else await change(path, rest.edit)
      const loaded = await loadKeys(folder, 'secret', { allowWeak: true })
      assert.equal(loaded.ok, false)
      if (loaded.ok) return
      assert.equal(loaded.fault.code, code)
      if ('field' in rest) assert.equal((loaded.fault as { field: string }).field, rest.field)
    })

  it('is refused before it costs anything when it asks for too much work', async () => {
    const folder = await devnetFolder('costly')
    await change(join(folder, 'account.json'), (json: Record<string, { kdfparams: object }>) => {
      json.crypto!.kdfparams = { ...json.crypto!.kdfparams, c: 2 ** 40 }
      return json
    })
    const loaded = await loadKeys(folder, 'secret', { allowWeak: true })
    assert.equal(!loaded.ok && loaded.fault.code, 'keystore/costly')
  })

  it('is refused when the secret is not that of the public part', async () => {
    const folder = await devnetFolder('swapped')
    const { publicKey, address } = devnetKeys(1)
    await change(join(folder, 'voting.json'), (json) => ({ ...json, pubkey: publicKey.slice(2) }))
    const voting = await loadKeys(folder, 'secret', { allowWeak: true })
    assert.equal(!voting.ok && voting.fault.code, 'keystore/otherKey')
    await change(join(folder, 'account.json'), (json) => ({ ...json, address: address.slice(2) }))
    const account = await loadKeys(folder, 'secret', { allowWeak: true })
    assert.equal(!account.ok && account.fault.code, 'keystore/otherKey')
  })

  it('never shows the password or a secret in its fault', async () => {
    const folder = await devnetFolder('quiet')
    const fault = await loadKeys(folder, 'hunter2', { allowWeak: true })
    assert.equal(JSON.stringify(fault).includes('hunter2'), false)
  })
})

describe('keystores of other tools', () => {
  it('loads a key that Foundry wrote, without an address', async () => {
    const folder = await devnetFolder('foundry')
    const path = join(folder, 'account.json')
    await change(path, ({ address: _, ...json }) => json)
    const weak = await loadAccountKey(path, 'secret')
    assert.equal(!weak.ok && weak.fault.code, 'keystore/weak')
    const loaded = await loadKeys(folder, 'secret', { allowWeak: true })
    assert.equal(loaded.ok && loaded.value.address, devnetKeys(0).address)
  })
})

describe('a password file', () => {
  it('is its first line', async () => {
    const path = join(home, 'password')
    await writeFile(path, 'päss word\r\nrest\n')
    assert.deepEqual(await readPassword(path), { ok: true, value: 'päss word' })
    await writeFile(path, '\nrest\n')
    assert.deepEqual(await readPassword(path), {
      ok: false,
      fault: { code: 'keys/noPassword', path },
    })
  })
})

describe('devnet keys', () => {
  it('are the same everywhere', () => {
    assert.equal(devnetKeys(0).address, '0x0e59b03920110407cdb31a78c7a7b5f47d786c61')
    assert.equal(devnetAccount(0).address, '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266')
    assert.deepEqual(devnetKeys(3), devnetKeys(3))
    assert.notDeepEqual(devnetKeys(3), devnetKeys(2))
  })

  it('prove that they are possessed', () => {
    const { publicKey, ...secrets } = devnetKeys(1)
    assert.equal(checkPossession(fromHex(publicKey), fromHex(possessionOf(secrets))), true)
  })
})
