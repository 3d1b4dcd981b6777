import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { nodeOptions } from '../../cli/commands/start.ts'
import { packagedGenesis } from '../../cli/dataDir.ts'
import { loadKeys } from '../../node/keys.ts'
import { devnetKeys } from '../../node/keysDevnet.ts'
import { toHex } from '../../primitives/bytes.ts'
import { jsonOf, waggle } from './support.ts'

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'waggle-cli-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const startFlags = {
  rpcHost: '127.0.0.1',
  rpcPort: 0,
  corsOrigins: [],
  allowedHosts: [],
  explorer: true,
  listen: [],
  peer: [],
  backend: 'wasm',
  work: true,
  sitOut: 0,
  keepStates: 4_096,
  logLevel: 'info',
} as const

describe('waggle init', () => {
  it('makes a folder that waggle start takes as it is', async () => {
    const data = join(home, 'fresh')
    const made = jsonOf(await waggle(['init', '--data', data, '--json']))
    assert.equal(made.chain, 'waggle-devnet')
    assert.match(String(made.possession), /^0x[0-9a-f]{192}$/)
    assert.equal((await stat(join(data, 'password'))).mode & 0o777, 0o600)
    const genesis = await readFile(join(data, 'genesis.json'), 'utf8')
    assert.equal(genesis, await readFile(packagedGenesis, 'utf8'))

    const options = nodeOptions({ ...startFlags, data })
    assert.equal(options.genesisPath, join(data, 'genesis.json'))
    const password = (await readFile(options.passwordFile!, 'utf8')).trimEnd()
    assert.match(password, /^[0-9a-f]{48}$/)
    const keys = await loadKeys(options.keysDir!, password)
    assert.equal(keys.ok && keys.value.address, made.address)
    assert.equal(nodeOptions({ ...startFlags, data, follow: true }).keysDir, null)
  }, 60_000)

  it('makes the public keys of a devnet validator, with a warning', async () => {
    const data = join(home, 'devnet')
    const ran = await waggle(['init', '--data', data, '--devnet-validator', '2', '--json'])
    assert.match(ran.err, /warning: INSECURE/)
    assert.equal(jsonOf(ran).address, devnetKeys(2).address)
  })

  it('never replaces keys', async () => {
    const data = join(home, 'twice')
    const argv = ['init', '--data', data, '--devnet-validator', '0']
    assert.equal((await waggle(argv)).code, 0)
    const again = await waggle(argv)
    assert.equal(again.code, 1)
    assert.match(again.err, /why: {2}there are keys already/)
  })

  it('names the wrong field of a genesis', async () => {
    const genesis = join(home, 'wrong.json')
    const text = await readFile(packagedGenesis, 'utf8')
    await writeFile(genesis, text.replace('"chainId": 57471', '"chainId": 0'))
    const { code, err } = await waggle(['init', '--data', join(home, 'g'), '--genesis', genesis])
    assert.equal(code, 1)
    assert.match(err, /why: {2}chainId /)
  })

  it('says which genesis it could not read', async () => {
    const { code, err } = await waggle(['init', '--data', join(home, 'n'), '--genesis', '/none'])
    assert.equal(code, 1)
    assert.match(err, /error: cannot read the genesis \/none\n {2}why: {2}ENOENT/)
  })
})

describe('waggle start', () => {
  it('names a genesis that it cannot use', async () => {
    const data = join(home, 'broken')
    const { code, err } = await waggle(['start', '--data', data, '--genesis', '/none'])
    assert.equal(code, 1)
    assert.match(err, /error: the node did not start\n {2}why: {2}cannot read the genesis/)
  })

  it('names a password that is wrong', async () => {
    const data = join(home, 'locked')
    assert.equal((await waggle(['init', '--data', data, '--devnet-validator', '0'])).code, 0)
    await writeFile(join(data, 'password'), 'wrong\n')
    const { code, err } = await waggle(['start', '--data', data])
    assert.equal(code, 1)
    assert.match(err, /keystore\/password/)
    assert.equal(err.includes('wrong'), false)
  })
})

describe('waggle keys', () => {
  it('creates, lists and shows, without ever showing a secret', async () => {
    const folder = join(home, 'keys', 'a')
    const passwordFile = join(home, 'pw')
    await writeFile(passwordFile, 'open sesame\n')
    const flags = ['--password-file', passwordFile, '--json']
    const { address, publicKey } = jsonOf(await waggle(['keys', 'create', folder, ...flags]))

    const listed = jsonOf(await waggle(['keys', 'list', join(home, 'keys'), '--json']))
    assert.deepEqual(listed, { folder, address, publicKey })
    const shown = await waggle(['keys', 'show', folder, ...flags])
    assert.equal(jsonOf(shown).address, address)
    const keys = await loadKeys(folder, 'open sesame')
    assert.equal(keys.ok, true)
    if (keys.ok)
      for (const secret of [keys.value.accountKey, keys.value.votingKey, keys.value.networkSeed])
        assert.equal(shown.out.includes(toHex(secret).slice(2)), false)

    await writeFile(passwordFile, 'open barley\n')
    const wrong = await waggle(['keys', 'show', folder, ...flags.slice(0, 2)])
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /why: {2}the password does not open .*account\.json/)
  }, 60_000)

  it('says how to make some where there are none', async () => {
    const { code, err } = await waggle(['keys', 'list', join(home, 'empty')])
    assert.equal(code, 1)
    assert.match(err, /next: make some with `waggle init`/)
  })
})
