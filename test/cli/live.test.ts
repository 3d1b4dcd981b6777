import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createPublicClient, http } from 'viem'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { decodeProofFile } from '../../cli/proofFile.ts'
import { devnetAccount, devnetKeys } from '../../node/keysDevnet.ts'
import { sealAccountKey } from '../../node/keystore.ts'
import { startDevnet, type TestDevnet, until } from '../e2e/devnet.ts'
import { jsonOf, type Ran, waggle } from './support.ts'

let net: TestDevnet
let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'waggle-live-'))
  net = await startDevnet({ validators: 1, genesis: { firstJob: false } })
}, 120_000)
afterAll(async () => {
  await net.stop()
  await rm(home, { recursive: true, force: true })
})

const run = (...argv: readonly string[]): Promise<Ran> =>
  waggle([...argv, '--rpc', net.nodes[0]!.rpcUrl])
const json = async (...argv: readonly string[]) => jsonOf(await run(...argv, '--json'))

/** Three clouds of points, far apart: over 40 seeds every calibrated training told them all apart. */
function flowers(rows: number): string {
  const lines = Array.from({ length: rows }, (_, i) => {
    const kind = i % 3
    const wobble = ((i * 37) % 11) / 10
    const at = (column: number) => ((column === kind ? 8 : 1) + wobble).toFixed(1)
    return [at(0), at(1), at(2), ['red', 'green', 'blue'][kind]].join()
  })
  return ['a,b,c,kind', ...lines].join('\n')
}

describe('the command line against a running node', () => {
  it('lists the validators', async () => {
    const { validators, totalPower } = await json('validators')
    const [only] = validators as readonly Record<string, unknown>[]
    assert.equal(only!.address, devnetKeys(0).address)
    assert.equal(only!.power, totalPower)
    assert.match((await run('validators')).out, /1,000,000 coins +100\.0 % .* active/)
  })

  it('says when an epoch has no set', async () => {
    const { code, err } = await run('validators', '--epoch', '1000000')
    assert.equal(code, 1)
    assert.match(err, /error: epoch 1000000 has no validator set/)
  })

  it('reads a balance to the wei', async () => {
    const { wei } = await json('balance', devnetAccount(9).address)
    assert.equal(wei, (10n ** 24n).toString())
  })

  it('lets the chain judge a private fact, under a key of its genesis', async () => {
    const proof = join(home, 'sudoku.json')
    jsonOf(await waggle(['zk', 'prove', 'sudoku', 'sample', '-o', proof, '--json']))
    const { valid } = await json('zk', 'verify', 'sudoku', proof)
    assert.equal(valid, true)
    const { inputs, ...rest } = JSON.parse(await readFile(proof, 'utf8')) as { inputs: string[] }
    await writeFile(proof, JSON.stringify({ ...rest, inputs: inputs.with(0, '1') }))
    const wrong = await run('zk', 'verify', 'sudoku', proof)
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /the proof is refused[\s\S]*zk\/wrongProof/)
  })

  it('entrusts coin to a validator, shows it, and takes it back', async () => {
    const validator = devnetKeys(0).address
    const me = ['--devnet-account', '8']
    const added = await json('delegate', 'add', validator, '12.5', ...me)
    assert.equal(added.event, 'DelegationAdded')
    const { delegations } = await json('delegate', 'list', devnetAccount(8).address)
    const [only] = delegations as readonly Record<string, unknown>[]
    assert.equal(only!.amount, (125n * 10n ** 17n).toString())
    assert.match((await run('stake', 'show', validator)).out, /delegated +12\.5 coins/)
    assert.equal(
      (await json('delegate', 'remove', validator, '12.5', ...me)).event,
      'DelegationRemoved',
    )
    const early = await run('delegate', 'withdraw', validator, ...me)
    assert.equal(early.code, 1)
    assert.match(early.err, /Unbonding\(until = \d+\)/)
  })

  it('takes rows, trains on them, pays, and predicts with the model', async () => {
    const csv = join(home, 'flowers.csv')
    const scaling = join(home, 'flowers.scaling')
    await writeFile(csv, flowers(240))
    const rows = ['--labels', 'kind', '--save-scaling', scaling, '--devnet-account', '1']
    const dataset = await json('dataset', 'add', csv, ...rows)
    assert.deepEqual([dataset.rows, dataset.features, dataset.classes], [240, 3, 3])
    assert.equal((await json('dataset', 'add', csv, ...rows)).transaction, null)
    assert.match((await run('dataset', 'list')).out, /flowers +240 +3 +3 /)

    const root = String(dataset.root)
    const model = ['--dataset', root, '--layers', '3,16,3', '--batch', '32', '--steps', '60']
    const refused = await run('job', 'open', ...model, '--devnet-account', '1')
    assert.equal(refused.code, 2)
    assert.match(refused.err, /escrow +0\.\d+ coins[\s\S]*nobody is here to consent/)
    const opened = await json('job', 'open', ...model, '--devnet-account', '1', '--yes')

    const job = String(opened.job)
    const watched = await run('job', 'watch', job, '--json')
    const events = watched.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      events.map(({ event }) => event),
      ['Certified', 'Certified', 'Certified', 'Certified', 'Evaluated', 'finished'],
    )
    assert.deepEqual([events.at(-2).rows, events.at(-2).range], [24, 4])
    assert.equal(events.at(-1).feesWei, opened.escrow)
    assert.match((await run('job', 'watch', job)).out, /finished {2}5 leases, .* coins in fees/)

    const evaluation = join(home, 'evaluation.proof')
    const proven = await json('proof', 'prove', job, '--range', '4', '-o', evaluation)
    assert.deepEqual([proven.range, proven.steps], [4, 1])
    const judged = jsonOf(await waggle(['proof', 'verify', evaluation, '--json']))
    assert.equal(judged.valid, true)
    const read = decodeProofFile(await readFile(evaluation))
    assert.ok(read.ok)
    const asked = { method: 'train_getJob', params: [job] } as never
    const node = createPublicClient({ transport: http(net.nodes[0]!.rpcUrl) })
    const known = (await node.request(asked)) as { evaluation: { loss: string } }
    assert.deepEqual(read.value.statement.losses, [BigInt(known.evaluation.loss)])
    const beyond = await run('proof', 'prove', job, '--range', '5', '-o', evaluation)
    assert.equal(beyond.code, 2)

    const file = join(home, 'flowers.waggle')
    const pulled = await json('model', 'pull', job, '-o', file)
    assert.equal(pulled.steps, 60)
    const score = jsonOf(
      await waggle(['predict', file, csv, '--labels', 'kind', '--scaling', scaling, '--json']),
    )
    assert.ok(Number(score.accuracy) > 0.9, `accuracy ${score.accuracy}`)
    const row = await waggle(['predict', file, '1.5,1.5,8.5', '--scaling', scaling, '--json'])
    assert.equal(jsonOf(row).label, 'blue')
    const seventh = ['--row', '7', '--labels', 'kind', '--scaling', scaling, '--json']
    assert.equal(jsonOf(await waggle(['predict', file, csv, ...seventh])).actual, 'green')
    const short = await waggle(['predict', file, '1,2'])
    assert.equal(short.code, 2)
    assert.match(short.err, /it has 2 numbers, the model takes 3/)
  }, 120_000)

  it('explains what everybody was paid, to the wei that the chain has counted', async () => {
    const worker = devnetKeys(0).address
    const { totals, payments } = await json('explain', 'reward', worker)
    const of = totals as Record<string, string>
    const told = ['worker', 'proposer', 'custodian', 'emission', 'keeper'].map((kind) =>
      BigInt(of[kind] ?? 0),
    )
    const node = createPublicClient({ transport: http(net.nodes[0]!.rpcUrl) })
    const asked = { method: 'rep_getService', params: [worker] } as never
    const { earnedWei } = (await node.request(asked)) as { readonly earnedWei: string }
    const later = BigInt(earnedWei) - told.reduce((sum, wei) => sum + wei, 0n)
    // An epoch may have ended between the two questions.
    const again = (await json('explain', 'reward', worker)).totals as { emission?: string }
    const emission = BigInt(again.emission ?? 0)
    assert.ok(later === 0n || later === emission - told[3]!, `unexplained: ${later}`)
    assert.match(JSON.stringify(payments), /67 % of 0\.\d+ coins, the fee of lease 0/)

    const owner = await json('explain', 'reward', devnetAccount(1).address)
    const { escrow, openFee, data, total } = owner.totals as Record<string, string>
    assert.equal(BigInt(data!), (BigInt(of.worker!) / 67n) * 15n)
    assert.equal(BigInt(total!), BigInt(escrow!) + BigInt(openFee!) + BigInt(data!))
    const { out } = await run('explain', 'reward', worker, '--from', '1')
    assert.match(out, /emission|proposer +0\.\d+ coins/)
    const backwards = await run('explain', 'reward', worker, '--from', '9', '--to', '2')
    assert.equal(backwards.code, 2)
  }, 60_000)

  it('explains what the chain refuses by its own words', async () => {
    const csv = join(home, 'pair.csv')
    await writeFile(csv, '1,2,0\n3,4,1\n')
    const account = ['--devnet-account', '2']
    const { root } = await json('dataset', 'add', csv, ...account)
    const model = ['--dataset', String(root), '--layers', '2,2', '--batch', '2', '--steps', '4']
    const { code, err } = await run('job', 'open', ...model, '--price', '1', ...account, '--yes')
    assert.equal(code, 1)
    assert.match(err, /why: {2}OutOfRange\(field = pricePerMac, got = 1, min = 100000000/)
    const misfit = await run(
      'job',
      'open',
      '--dataset',
      String(root),
      '--layers',
      '9,2',
      ...account,
    )
    assert.equal(misfit.code, 2)
    assert.match(misfit.err, /its rows have 2 features, the first layer 9/)
  }, 60_000)

  it('has the treasury pay for a job that validators approve', async () => {
    const csv = join(home, 'public.csv')
    await writeFile(csv, flowers(33))
    const rows = ['dataset', 'add', csv, '--labels', 'kind', '--devnet-account', '2']
    const { root } = await json(...rows)
    const [keyFile, passwordFile] = [join(home, 'account.json'), join(home, 'password')]
    const sealed = await sealAccountKey(devnetKeys(0).accountKey, 'a long password', 'standard')
    await writeFile(keyFile, sealed, { mode: 0o600 })
    await writeFile(passwordFile, 'a long password\n', { mode: 0o600 })
    const validator = ['--key-file', keyFile, '--password-file', passwordFile]
    const model = ['--dataset', String(root), '--layers', '3,3', '--batch', '8', '--steps', '2']
    const job = ['job', 'open', ...model, '--replay', '--propose', 'flowers for everybody']
    const stranger = await run(...job, '--devnet-account', '2')
    assert.match(stranger.err, /NotMember/)
    const proposed = await json(...job, ...validator)
    assert.deepEqual(proposed.events, ['Proposed'])
    assert.match((await run('treasury', 'list')).out, /a job +0\.\d+ coins/)
    const approved = await json('treasury', 'approve', String(proposed.id), ...validator)
    assert.equal(approved.amount, proposed.amount)
    const watched = await run('job', 'watch', String(approved.jobId), '--json')
    const ended = JSON.parse(watched.out.trim().split('\n').at(-1)!)
    assert.equal(ended.event, 'finished')
  }, 120_000)

  it('names jobs, models and datasets that are not there', async () => {
    const nothing = `0x${'1'.repeat(64)}`
    assert.match((await run('job', 'watch', nothing)).err, /error: no job 0x1111/)
    assert.match((await run('model', 'pull', nothing, '-o', 'm')).err, /error: no job 0x1111/)
    const open = ['job', 'open', '--dataset', nothing, '--layers', '2,2', '--devnet-account', '0']
    assert.match((await run(...open)).err, /next: register it with `waggle dataset add`/)
  })
})

type NodeLine = { readonly pid: number; readonly dataDir: string }

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('waggle devnet', () => {
  it('starts, announces itself, and stops cleanly', async () => {
    const stop = new AbortController()
    let announced: { readonly nodes: readonly NodeLine[] } | null = null
    const ran = await waggle(
      ['devnet', '--validators', '1', '--rpc-port', '0', '--no-first-job', '--json'],
      {
        stopped: stop.signal,
        out: (text) => {
          announced = JSON.parse(text)
          stop.abort()
        },
      },
    )
    assert.equal(ran.code, 0, ran.err)
    assert.equal(isAlive(announced!.nodes[0]!.pid), false)
  }, 60_000)

  it('says that a port is taken, and stops what it had started', async () => {
    const port = new URL(net.nodes[0]!.rpcUrl).port
    const flags = ['--validators', '1', '--rpc-port', port, '--no-first-job']
    const { code, err } = await waggle(['devnet', ...flags])
    assert.equal(code, 1)
    assert.match(err, /error: the node in .* did not start\n {2}why: {2}.*EADDRINUSE/)
  }, 60_000)

  it('does not mix networks in one folder', async () => {
    const data = join(home, 'net')
    await mkdir(join(data, 'node0'), { recursive: true })
    await writeFile(join(data, 'node0', 'genesis.json'), '{}')
    const { code, err } = await waggle(['devnet', '--data', data, '--rpc-port', '0'])
    assert.equal(code, 1)
    assert.match(err, /genesis\.json is of another network/)
  })

  it('ends with its nodes even when it is killed', async () => {
    const flags = ['--validators', '1', '--rpc-port', '0', '--no-first-job', '--json']
    const main = join(import.meta.dirname, '../../cli/main.ts')
    const devnet = spawn(process.execPath, [main, 'devnet', ...flags], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const lines = createInterface({ input: devnet.stdout })
    const [line] = (await once(lines, 'line')) as [string]
    const { nodes } = JSON.parse(line) as { readonly nodes: readonly NodeLine[] }
    assert.equal(isAlive(nodes[0]!.pid), true)
    devnet.kill('SIGKILL')
    try {
      await until('the node to end', 20_000, async () => !isAlive(nodes[0]!.pid))
    } finally {
      await rm(join(nodes[0]!.dataDir, '..'), { recursive: true, force: true })
    }
  }, 60_000)
})
