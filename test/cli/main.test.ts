import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Command } from 'commander'
import { describe, it } from 'vitest'
import { freePorts } from '../../cli/devnet.ts'
import { createProgram } from '../../cli/main.ts'
import { waggle } from './support.ts'

function leaves(command: Command, path: readonly string[] = []): readonly (readonly string[])[] {
  return command.commands.length === 0
    ? [path]
    : command.commands.flatMap((child) => leaves(child, [...path, child.name()]))
}

const io = { colours: false, columns: 80, out: () => {}, err: () => {}, home: '/home/someone' }
const commands = leaves(createProgram(io as never))

describe('help', () => {
  for (const path of commands)
    it(`of ${path.join(' ')} has a description, examples and lines of at most 100 columns`, async () => {
      const { code, out } = await waggle([...path, '--help'])
      assert.equal(code, 0)
      assert.match(out, /^Usage: waggle /)
      assert.match(out, /Examples:\n {2}\$ waggle /)
      const long = out.split('\n').filter((line) => line.length > 100)
      assert.deepEqual(long, [])
    })

  it('lists every command', async () => {
    const { out } = await waggle(['--help'])
    for (const name of ['init', 'keys', 'start', 'devnet', 'demo', 'dataset', 'job', 'model'])
      assert.match(out, new RegExp(`^ {2}${name}[ |]`, 'm'))
  })

  it('knows its version', async () => {
    assert.match((await waggle(['--version'])).out, /^\d+\.\d+\.\d+\n$/)
  })
})

describe('--json', () => {
  const option = (command: Command) => command.options.some(({ long }) => long === '--json')
  for (const path of commands.filter(([name]) => name !== 'completion'))
    it(`is an option of ${path.join(' ')}`, () => {
      let command = createProgram(io as never)
      for (const name of path) command = command.commands.find((one) => one.name() === name)!
      assert.ok(option(command))
    })

  it('makes one line of JSON of wrong usage', async () => {
    for (const argv of [['balance', '0x12'], ['dance'], ['job', 'open'], ['balance', '--what']]) {
      const { code, out, err } = await waggle([...argv, '--json'])
      assert.deepEqual([code, out], [2, ''])
      assert.match(err, /^\{"error":\{"what":"[^\n]+","why":"commander\.[^\n]+\}\n$/)
    }
  })
})

describe('wrong usage exits with 2 and says what was wanted', () => {
  const cases: readonly (readonly [argv: readonly string[], says: RegExp])[] = [
    [[], /Usage: waggle/],
    [['dance'], /unknown command 'dance'/],
    [['balances'], /Did you mean balance/],
    [['balance'], /missing required argument 'address'/],
    [['balance', '0x12'], /Expected 20 bytes/],
    [['balance', '0xF39fd6e51aad88F6F4ce6aB8827279cffFb92266'], /checksum/],
    [['validators', '--epoch', '-1'], /whole number/],
    [['validators', '--rpc', 'node'], /Expected a URL/],
    [['validators', '--rpc', 'ftp://a/'], /Expected a URL/],
    [['job', 'watch', '0x12'], /Expected 32 bytes/],
    [['job', 'open'], /required option '--dataset <root>'/],
    [['job', 'open', '--dataset', 'mnist', '--layers', '784'], /like 784,128,64,10/],
    [['job', 'open', '--dataset', 'mnist', '--layers', '784,0,10'], /2 to 33 widths/],
    [['job', 'open', '--dataset', 'mnist', '--layers', '4,2', '--epochs', '0'], /above 0/],
    [
      ['job', 'open', '--dataset', 'mnist', '--layers', '4,2', '--epochs', '1', '--steps', '2'],
      /cannot be used with/,
    ],
    [['job', 'open', '--dataset', 'mnist', '--layers', '4,2'], /--key-file is missing/],
    [
      ['dataset', 'add', 'mnist', '--devnet-account', '0', '--key-file', 'a'],
      /cannot be used with/,
    ],
    [['dataset', 'add', 'mnist', '--key-file', 'a'], /--password-file is missing/],
    [['model', 'pull', `0x${'1'.repeat(64)}`], /required option '-o, --output <file>'/],
    [['devnet', '--validators', '0'], /from 1 to 16/],
    [['start', '--backend', 'abacus'], /Allowed choices are/],
    [['start', '--rpc-port', '65536'], /from 0 to 65535/],
    [['demo', '--labels', 'species'], /--labels without --dataset/],
  ]
  for (const [argv, says] of cases)
    it(`waggle ${argv.join(' ')}`.slice(0, 90), async () => {
      const { code, out, err } = await waggle(argv)
      assert.equal(code, 2)
      assert.equal(out, '')
      assert.match(err, says)
    })
})

describe('a node that is not there exits with 69', () => {
  for (const argv of [
    ['validators'],
    ['balance', '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'],
    ['job', 'watch', `0x${'1'.repeat(64)}`],
    ['model', 'pull', `0x${'1'.repeat(64)}`, '-o', '/nonexistent/model'],
    ['dataset', 'list'],
  ])
    it(argv.slice(0, 2).join(' '), async () => {
      const [port] = await freePorts(1)
      const { code, out, err } = await waggle([...argv, '--rpc', `http://127.0.0.1:${port}`])
      assert.equal(code, 69)
      assert.equal(out, '')
      assert.match(err, /^error: cannot reach a node at .*\n {2}why: {2}connection refused\n/)
      assert.match(err, /\n {2}next: start one with `waggle devnet`/)
    })

  it('as JSON where JSON was asked for', async () => {
    const [port] = await freePorts(1)
    const { err } = await waggle(['validators', '--json', '--rpc', `http://127.0.0.1:${port}`])
    const { error } = JSON.parse(err) as { readonly error: Record<string, string> }
    assert.deepEqual(Object.keys(error), ['what', 'why', 'next'])
  })
})

describe('a server that is no node', () => {
  it('is said to be none', async () => {
    const server = createServer((_, response) => response.writeHead(404).end('nothing here'))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    try {
      const { port } = server.address() as AddressInfo
      const { code, err } = await waggle(['validators', '--rpc', `http://127.0.0.1:${port}`])
      assert.equal(code, 69)
      assert.match(err, /HTTP status 404/)
    } finally {
      server.close()
    }
  })
})
