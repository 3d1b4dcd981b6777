import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createBlockFromBytesArray } from '@ethereumjs/block'
import { type NestedUint8Array, RLP } from '@ethereumjs/rlp'
import fc from 'fast-check'
import { beforeAll, describe, it } from 'vitest'
import { readBlockFile } from '../../chain/foreign/blockFile.ts'
import { type ForeignChain, importChain } from '../../chain/foreign/foreignChain.ts'
import { foreignBodyFault, foreignHeaderFault } from '../../chain/foreign/header.ts'
import { concatBytes, toHex } from '../../primitives/bytes.ts'
import { folder } from '../rpc/vectorChain.ts'

type Genesis = { config: Record<string, unknown>; alloc: Record<string, unknown> }
type Fields = Uint8Array | Fields[]
const genesis = JSON.parse(readFileSync(join(folder, 'genesis.json'), 'utf8')) as Genesis
const file = Uint8Array.from(readFileSync(join(folder, 'chain.rlp')))
const read = readBlockFile(file)
assert.ok(read.ok)
const blocks = read.value

/** Places of header fields. */
const at = {
  stateRoot: 3,
  receiptsRoot: 5,
  bloom: 6,
  difficulty: 7,
  number: 8,
  gasLimit: 9,
} as const
const later = {
  gasUsed: 10,
  timestamp: 11,
  extraData: 12,
  nonce: 14,
  baseFee: 15,
  withdrawalsRoot: 16,
} as const
const blobs = { used: 17, excess: 18 } as const

/** Block `height` with what `bend` changes. */
function bentBlock(height: number, bend: (block: Fields[], header: Fields[]) => void): Fields[] {
  const fields = structuredClone(blocks[height - 1]!.fields) as Fields[]
  bend(fields, fields[0] as Fields[])
  return fields
}

/** The chain up to block `height`, whose fields `bend` may change. */
function bent(height: number, bend: (block: Fields[], header: Fields[]) => void): Uint8Array {
  const before = blocks.slice(0, height - 1).map(({ fields }) => fields)
  return concatBytes(
    ...[...before, bentBlock(height, bend)].map((part) => RLP.encode(part as NestedUint8Array)),
  )
}

async function faultOf(bytes: Uint8Array, given: unknown = genesis) {
  const imported = await importChain(JSON.stringify(given), bytes)
  assert.equal(imported.ok, false)
  return (imported as { fault: Record<string, unknown> }).fault
}

let whole: ForeignChain
beforeAll(async () => {
  const imported = await importChain(JSON.stringify(genesis), file)
  assert.ok(imported.ok)
  whole = imported.value
}, 120_000)

/** What the checks before execution say of a bent block. */
async function checked(height: number, bend: (block: Fields[], header: Fields[]) => void) {
  const { common } = whole.engineAt(BigInt(height), blocks[height - 1]!.timestamp)
  const fields = bentBlock(height, bend) as Parameters<typeof createBlockFromBytesArray>[0]
  const block = createBlockFromBytesArray(fields, { common, skipConsensusFormatValidation: true })
  const parent = whole.blocks[height - 1]!.block.header
  const fault = foreignHeaderFault(parent, block.header) ?? (await foreignBodyFault(block, 1_000))
  return fault as Record<string, unknown> | null
}

const headerCases: readonly (readonly [string, number, number, Uint8Array])[] = [
  ['number', 2, at.number, Uint8Array.of(9)],
  ['timestamp', 2, later.timestamp, Uint8Array.of(1)],
  ['gasLimit', 2, at.gasLimit, Uint8Array.of(6, 0, 0, 0)],
  ['extraData', 2, later.extraData, new Uint8Array(33).fill(1)],
  ['parentHash', 2, 0, new Uint8Array(32).fill(7)],
  ['baseFeePerGas', 28, later.baseFee, Uint8Array.of(5)],
  ['difficulty', 37, at.difficulty, Uint8Array.of(5)],
  ['nonce', 37, later.nonce, new Uint8Array(8).fill(1)],
  ['excessBlobGas', 43, blobs.excess, Uint8Array.of(5)],
]

describe('importing a foreign chain', () => {
  it('finds the head that the chain was made with', () => {
    const { header } = whole.blocks.at(-1)!.block
    assert.equal(header.number, 54n)
    assert.equal(
      toHex(header.hash()),
      '0xd226371d0b1551adb03fb52b71f08e3e11247fe9b1af994768af8cdaa8e7dcd7',
    )
  })

  it('finds the merge by total difficulty where the genesis names no block', async () => {
    const { mergeNetsplitBlock: _, ...config } = genesis.config
    const imported = await importChain(
      JSON.stringify({ ...genesis, config }),
      bent(37, () => {}),
    )
    assert.ok(imported.ok)
    assert.equal(imported.value.blocks.length, 38)
  })

  it('names the header field that breaks a rule, with what was expected', async () => {
    for (const [field, height, place, value] of headerCases) {
      const fault = await checked(height, (_, header) => {
        header[place] = value
      })
      assert.ok(fault !== null, field)
      const { code, expected, got } = fault
      assert.deepEqual([code, fault.height, fault.field], ['import/header', BigInt(height), field])
      assert.notEqual(expected, got)
    }
  })

  it('names what the body contradicts', async () => {
    const full = 1 + blocks.findIndex(({ fields }) => (fields[1] as Fields[]).length > 0)
    const cases: readonly (readonly [
      string,
      number,
      (block: Fields[], header: Fields[]) => void,
    ])[] = [
      ['transactionsRoot', full, (block) => (block[1] = [])],
      ['sha3Uncles', 2, (_, header) => (header[1] = new Uint8Array(32))],
      ['withdrawalsRoot', 43, (_, header) => (header[later.withdrawalsRoot] = new Uint8Array(32))],
      ['blobGasUsed', 43, (_, header) => (header[blobs.used] = Uint8Array.of(6, 0, 0))],
    ]
    for (const [field, height, bend] of cases) {
      const fault = await checked(height, bend)
      assert.deepEqual([fault?.code, fault?.field], ['import/body', field])
    }
    assert.equal(await checked(43, () => {}), null)
  })

  it('names what execution contradicts', { timeout: 60_000 }, async () => {
    for (const [field, place, value] of [
      ['stateRoot', at.stateRoot, new Uint8Array(32)],
      ['receiptsRoot', at.receiptsRoot, new Uint8Array(32)],
      ['logsBloom', at.bloom, new Uint8Array(256).fill(1)],
      ['gasUsed', later.gasUsed, Uint8Array.of(1)],
    ] as const) {
      const fault = await faultOf(bent(2, (_, header) => (header[place] = value)))
      assert.deepEqual([fault.code, fault.height, fault.field], ['import/result', 2n, field])
    }
  })

  it('says which block is none under its rules', async () => {
    const fault = await faultOf(
      bent(2, (_, header) => {
        header[later.gasUsed] = Uint8Array.of(1, 0, 0, 0, 0)
      }),
    )
    assert.deepEqual([fault.code, fault.height], ['import/block', 2n])
  })

  it('says where bytes are no block', async () => {
    const cut = await faultOf(file.subarray(0, blocks[0]!.size + 10))
    assert.deepEqual([cut.code, cut.block, cut.offset], ['import/encoding', 1, blocks[0]!.size])
    for (const bytes of [Uint8Array.of(0x80), Uint8Array.of(0xc0), Uint8Array.of(0xc1, 0xc0)])
      assert.equal((await faultOf(bytes)).code, 'import/encoding')
  })

  it('says what is wrong with a genesis', async () => {
    for (const wrong of [{}, { config: {} }, { ...genesis, alloc: undefined }, 7, null])
      assert.equal((await faultOf(new Uint8Array(), wrong)).code, 'import/genesis')
    const other = await faultOf(
      bent(1, () => {}),
      { ...genesis, extraData: '0x01' },
    )
    assert.deepEqual([other.code, other.field], ['import/header', 'parentHash'])
  })

  it('takes block 0 of the file only where it is the one of the genesis', async () => {
    const header = whole.blocks[0]!.block.header.raw()
    const exported = (fields: readonly Uint8Array[]) =>
      concatBytes(RLP.encode([[...fields], [], []]), file.subarray(0, blocks[0]!.size))
    const taken = await importChain(JSON.stringify(genesis), exported(header))
    assert.ok(taken.ok)
    assert.equal(taken.value.blocks.length, 2)
    const fault = await faultOf(exported(header.with(later.extraData, Uint8Array.of(1))))
    assert.deepEqual([fault.code, fault.height, fault.field], ['import/header', 0n, 'hash'])
    assert.notEqual(fault.expected, fault.got)
  })

  it('gives a verdict on any bytes', async () => {
    const text = JSON.stringify(genesis)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(blocks[0]!.size - 1),
        fc.integer({ min: 1, max: 255 }),
        async (i, x) => {
          const bytes = file.slice(0, blocks[0]!.size)
          bytes[i]! ^= x
          const imported = await importChain(text, bytes)
          // Difficulty, nonce and mix hash are consensus, which is not judged.
          if (imported.ok) assert.equal(imported.value.blocks.length, 2)
        },
      ),
      { numRuns: 20 },
    )
  })
})
