import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { parseGenesis } from '../../params/genesis.ts'
import { maxValidators } from '../../params/protocol.ts'
import { fromHex } from '../../primitives/bytes.ts'
import { checkPossession } from '../../primitives/possession.ts'
import { makeGenesis } from '../../scripts/makeGenesis.ts'

const text = readFileSync(join(import.meta.dirname, '../../genesis.json'), 'utf8')

type Json = Record<string, unknown>

/** The committed genesis with the field at `path` replaced; `undefined` removes it. */
function changed(path: string, value: unknown): string {
  const genesis = JSON.parse(text) as Json
  const keys = path.split('.')
  const last = keys.pop()!
  const parent = keys.reduce((at, key) => at[key] as Json, genesis)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return JSON.stringify(genesis)
}

function fieldOf(genesisText: string): string {
  const parsed = parseGenesis(genesisText)
  assert.equal(parsed.ok, false)
  if (parsed.ok) return ''
  assert.equal(parsed.fault.code, 'genesis/field')
  assert.notEqual(parsed.fault.why, '')
  return parsed.fault.field
}

describe('the committed genesis', () => {
  it('is what the script makes', async () => {
    assert.equal(await makeGenesis(), text)
  }, 60_000)

  it('parses, with four validators that possess their keys', () => {
    const parsed = parseGenesis(text)
    assert.equal(parsed.ok, true)
    if (!parsed.ok) return
    assert.equal(parsed.value.chainId, 0xe07f)
    assert.equal(parsed.value.validators.length, 4)
    assert.equal(parsed.value.balances.size, 14)
    for (const { publicKey, possession } of parsed.value.validators)
      assert.equal(checkPossession(fromHex(publicKey), fromHex(possession)), true)
  })

  it('starts with a job whose dataset fits it', () => {
    const parsed = parseGenesis(text)
    const job = parsed.ok ? parsed.value.firstJob : null
    assert.equal(job?.layers[0], job?.dataset.features)
    assert.equal(job?.layers.at(-1), job?.dataset.classes)
  })
})

describe('parsing a genesis', () => {
  const validator = (JSON.parse(text) as { validators: readonly Json[] }).validators[0]!

  /** Path of the change, the new value, and the field that the refusal names (that path by default). */
  const wrong: readonly (readonly [path: string, value: unknown, field?: string])[] = [
    ['name', ''],
    ['name', undefined],
    ['chainId', 0],
    ['chainId', '57471'],
    ['chainId', 2 ** 48],
    ['timestamp', 1.5],
    ['extraData', `0x${'00'.repeat(33)}`],
    ['extraData', '0x0'],
    ['surprise', 1, ''],
    ['params.epochLength', 3],
    ['params.minBlockIntervalMs', 999],
    ['params.idleBlockIntervalMs', 1_000_000],
    ['params.blockGasLimit', 1],
    ['params.basePrice', 100],
    ['params.basePrice', '0x10'],
    ['params.basePrice', '007'],
    ['params.basePrice', '-1'],
    ['params.maxActiveJobs', 257],
    ['params.minStake', undefined],
    ['params.surprise', 1, 'params'],
    ['upgrades', []],
    ['upgrades.0.height', 1],
    ['upgrades.1', { name: 'v2', height: 0 }, 'upgrades.1.height'],
    ['upgrades.0.params', { blockGasLimit: 6_000_000 }],
    ['upgrades.1', { name: 'v2', height: 9, params: { minStake: '1' } }, 'upgrades.1.params'],
    [
      'upgrades.1',
      { name: 'v2', height: 9, params: { blockGasLimit: 1 } },
      'upgrades.1.params.blockGasLimit',
    ],
    ['validators', []],
    ['validators', Array.from({ length: maxValidators + 1 }, () => validator)],
    ['validators.1.address', '0x1234'],
    ['validators.1.address', validator.address],
    ['validators.1.publicKey', validator.publicKey],
    ['validators.1.publicKey', '0x00'],
    ['validators.1.possession', `0x${'zz'.repeat(96)}`],
    ['validators.2.stake', '999999999999'],
    ['validators.2.stake', 5],
    ['validators.3.maxParams', 0],
    ['balances.0x12', '1', 'balances.0x12'],
    ['balances.0x0000000000000000000000000000000000005703', '1'],
    ['balances.0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266', '1'],
    ['balances.0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266', 1],
    ['treasury.balance', 1],
    ['firstJob.layers', [784]],
    ['firstJob.layers.0', 61_441],
    ['firstJob.batch', 0],
    ['firstJob.leaseSteps', 65],
    ['firstJob.forwardShifts', [9]],
    ['firstJob.backwardShifts', [6, 6]],
    ['firstJob.updateShifts', [2]],
    ['firstJob.updateShifts.0', 21],
    ['firstJob.fractionBits', 21],
    ['firstJob.dataset.root', '0x00'],
    ['firstJob.dataset.rows', 0],
    ['firstJob.dataset.owner', null],
    ['peers', [7], 'peers.0'],
    ['peers', ['127.0.0.1:9000'], 'peers.0'],
  ]
  for (const [path, value, field = path] of wrong)
    it(`names ${field === '' ? 'the file' : field} when ${path} is ${short(value)}`, () => {
      assert.equal(fieldOf(changed(path, value)), field)
    })

  it('refuses an idle interval below the least interval', () => {
    const json = JSON.parse(text) as { params: Json }
    json.params.minBlockIntervalMs = 6_000
    assert.equal(fieldOf(JSON.stringify(json)), 'params.idleBlockIntervalMs')
  })

  it('says where text stops being JSON', () => {
    const parsed = parseGenesis('{"name": ')
    assert.equal(!parsed.ok && parsed.fault.code, 'genesis/json')
  })

  it('accepts a chain without a first job', () => {
    assert.equal(parseGenesis(changed('firstJob', null)).ok, true)
  })
})

function short(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value).slice(0, 40)
}
