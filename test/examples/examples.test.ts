import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startDevnet, type TestDevnet } from '../e2e/devnet.ts'

const run = promisify(execFile)

let net: TestDevnet
beforeAll(async () => {
  net = await startDevnet({ validators: 1 })
}, 120_000)
afterAll(() => net.stop())

/** Run `examples/NAME.ts` as its header says; what it printed. */
async function example(name: string): Promise<string> {
  const file = join(import.meta.dirname, '../../examples', `${name}.ts`)
  const { stdout } = await run(process.execPath, [file, net.nodes[0]!.rpcUrl], { timeout: 110_000 })
  return stdout
}

describe('the examples', () => {
  it('pay, deploy and listen with viem', async () => {
    const printed = await example('viemTransfer')
    assert.match(printed, /^chain 57471 at block \d+$/m)
    assert.match(printed, /^paid 1\.5 coins in block \d+$/m)
    assert.match(printed, /^event: counted 1$/m)
  }, 120_000)

  it('open a job and follow it to payment', async () => {
    const printed = await example('openJob')
    assert.match(printed, /^lease 0: 8 steps by 0x[0-9a-fA-F]{40}$/m)
    assert.match(printed, /^lease 1: 8 steps by 0x/m)
    assert.match(printed, /earned 0\.0072363264 coins in fees$/m)
    assert.match(printed, /^model of 76224 bytes at /m)
  }, 120_000)

  it('have a model trained by a Solidity contract', async () => {
    const printed = await example('contract/commission')
    assert.match(printed, /settling early is refused: Running\(.*\) \(0, 16\)$/m)
    assert.match(printed, /^16 of 16 steps$/m)
    assert.match(printed, /^delivered 0x[0-9a-f]{64}; the settler got 0\.01$/m)
    assert.match(printed, /^the contract keeps 0$/m)
    assert.match(printed, /^model of 76224 bytes from job 0x[0-9a-f]{64}$/m)
  }, 120_000)

  it('have the treasury pay for a public job, and a delegator earn by it', async () => {
    const [printed, earned] = await Promise.all([example('publicJob'), example('delegate')])
    assert.match(printed, /^proposal 1: 0\.11\d* coins for digits for everybody$/m)
    assert.match(printed, /^job 0x[0-9a-f]{64} opened$/m)
    assert.match(earned, /^claimed 0\.00\d+ coins$/m)
  }, 120_000)

  it('pay the owner of rows with a price, sell a model, and pay its royalty', async () => {
    const printed = await example('shareData')
    assert.match(printed, /^a stranger is refused: NotAllowed$/m)
    assert.match(printed, /^256 rows paid 0\.000000256 coins$/m)
    assert.match(printed, /^before paying: blob … is sold: buy its model first$/m)
    assert.match(printed, /^bought: 16 steps, commitment 0x[0-9a-f]{64}$/m)
    const [, job] = /^job (0x\w+) opened/m.exec(printed)!
    assert.match(printed, new RegExp(`descends from ${job}$`, 'm'))
    assert.match(printed, /^royalty 0\.0000\d+ coins$/m)
  }, 120_000)

  it('tour the chain with cast', async () => {
    const printed = await example('castTour')
    assert.match(printed, /status +1 \(success\)/)
    assert.match(printed, /refused: Unknown\(bytes32\)/)
    assert.match(printed, /"basePrice":"0x5f5e100"/)
    assert.match(printed, /logIndex: 0/)
  }, 120_000)
})
