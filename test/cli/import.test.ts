import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { folder as vectors } from '../rpc/vectorChain.ts'
import { jsonOf, waggle } from './support.ts'

const genesis = join(vectors, 'genesis.json')
const chain = join(vectors, 'chain.rlp')
const main = join(import.meta.dirname, '../../cli/main.ts')
const head = '0xd226371d0b1551adb03fb52b71f08e3e11247fe9b1af994768af8cdaa8e7dcd7'
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waggle-import-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('waggle import', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    it(`serves the chain until ${signal}, then exits cleanly`, async () => {
      const argv = ['import', '--genesis', genesis, '--chain', chain, '--serve', '0', '--json']
      const child = spawn(process.execPath, [main, ...argv], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const lines: Record<string, string>[] = []
      createInterface({ input: child.stdout }).on('line', (line) => {
        lines.push(JSON.parse(line) as Record<string, string>)
      })
      while (lines.length < 2) await setTimeout(50)
      assert.deepEqual([lines[0]!.height, lines[0]!.hash, lines[0]!.fork], ['54', head, 'bpo2'])
      const ask = async (method: string, ...params: readonly unknown[]) => {
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
        const response = await fetch(lines[1]!.rpcUrl!, { method: 'POST', body })
        return (await response.json()) as { result?: unknown; error?: { code: number } }
      }
      assert.equal((await ask('eth_blockNumber')).result, '0x36')
      assert.equal((await ask('val_getSupply')).error?.code, -32601)
      child.kill(signal)
      assert.deepEqual(await once(child, 'exit'), [0, null])
    }, 60_000)

  it('names the block, the field and both values of a wrong chain', async () => {
    const bytes = await readFile(chain)
    bytes[120]! ^= 1
    const wrong = join(folder, 'wrong.rlp')
    await writeFile(wrong, bytes)
    const ran = await waggle(['import', '--genesis', genesis, '--chain', wrong])
    assert.equal(ran.code, 1)
    assert.match(ran.err, /error: .*wrong\.rlp is no valid chain/)
    assert.match(ran.err, /import\/\w+.*height=1/)
    assert.match(ran.err, /expected=.*got=/)
  })

  it('refuses files that are missing, cut off or something else', async () => {
    const cut = join(folder, 'cut.rlp')
    await writeFile(cut, (await readFile(chain)).subarray(0, 1_000))
    for (const [argv, message] of [
      [['--genesis', genesis, '--chain', join(folder, 'none')], /cannot read the chain/],
      [['--genesis', join(folder, 'none'), '--chain', chain], /cannot read the genesis/],
      [['--genesis', chain, '--chain', chain], /import\/genesis/],
      [['--genesis', genesis, '--chain', genesis], /import\/encoding.*offset=0/],
      [['--genesis', genesis, '--chain', cut], /import\/encoding.*block=\d+ offset=\d+/],
    ] as const) {
      const { code, err } = await waggle(['import', ...argv])
      assert.equal(code, 1)
      assert.match(err, message)
      assert.match(err, /next: /)
    }
  })

  it('checks without serving, an empty chain too', async () => {
    const empty = join(folder, 'empty.rlp')
    await writeFile(empty, '')
    const ran = await waggle(['import', '--genesis', genesis, '--chain', empty, '--json'])
    assert.equal(jsonOf(ran).height, '0')
  })
})
