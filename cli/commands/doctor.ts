/**
 * `waggle doctor`: what this machine and its node lack, and how to mend it.
 */

import { mkdir, statfs } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { availableParallelism, totalmem } from 'node:os'
import type { Command } from 'commander'
import { describeAdapter } from '../../compute/gpuAdapter.ts'
import { openBackend } from '../../compute/selfTest.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { httpUrl } from '../arguments.ts'
import { ExitCode, fail } from '../failure.ts'
import { bytesText } from '../format.ts'
import { type Colour, type Io, paint } from '../io.ts'
import { createReport } from '../report.ts'
import { table } from '../table.ts'

type Flags = { readonly rpc: string; readonly data?: string; readonly json?: true }

type State = 'good' | 'poor' | 'bad'
type Finding = {
  readonly what: string
  readonly state: State
  readonly found: string
  /** How to mend it; empty where nothing is wrong. */
  readonly mend: string
}

const examples = `
Examples:
  $ waggle doctor                         this machine, and a node on it if one runs
  $ waggle doctor --rpc http://10.0.0.2:8545 --json

Exits with 1 if something is bad; what is only poor does not count.`

/** Disk that a validator should have left, and memory. */
const diskWanted = 20 * 2 ** 30
const diskNeeded = 2 * 2 ** 30
const memoryWanted = 4 * 2 ** 30
/** Beyond this proposals of an honest node are refused. */
const clockBoundMs = 500
const answerMs = 5_000

export function addDoctor(program: Command, io: Io): void {
  program
    .command('doctor')
    .description('tell what this machine or its node lacks, and how to mend it')
    .option('--rpc <url>', 'RPC address of the node', httpUrl, 'http://127.0.0.1:8545')
    .option('--data <folder>', 'where the node keeps its chain (default: here)')
    .option('--json', 'print a JSON line')
    .addHelpText('after', examples)
    .action((flags: Flags) => doctor(flags, io))
}

async function doctor(flags: Flags, io: Io): Promise<void> {
  const findings = [
    nodeVersion(),
    machine(),
    await kernels(),
    await card(),
    await disk(flags.data ?? process.cwd()),
    ...(await node(flags.rpc, io)),
  ]
  const bad = findings.filter(({ state }) => state === 'bad')
  createReport(io, flags).result({ ok: bad.length === 0, findings }, () => textOf(findings, io))
  if (bad.length === 0) return
  fail({
    what: `${bad.length} of ${findings.length} checks failed`,
    why: bad.map(({ what }) => what).join(', '),
    next: bad[0]!.mend,
    exitCode: ExitCode.Refused,
  })
}

const colours: Readonly<Record<State, Colour>> = { good: 'green', poor: 'yellow', bad: 'red' }

function textOf(findings: readonly Finding[], io: Io): string {
  return table(
    io,
    ['check', 'state', 'found', 'mend'],
    findings.map(({ what, state, found, mend }) => [
      what,
      paint(io, colours[state], state),
      found,
      mend,
    ]),
  )
}

function nodeVersion(): Finding {
  const major = Number(process.versions.node.split('.')[0])
  const found = `Node.js ${process.versions.node}`
  return major >= 24
    ? { what: 'Node.js', state: 'good', found, mend: '' }
    : { what: 'Node.js', state: 'bad', found, mend: 'install 24 or newer, or run `npm ci` again' }
}

function machine(): Finding {
  const memory = totalmem()
  const found = `${availableParallelism()} cores, ${bytesText(memory)}`
  const isEnough = availableParallelism() >= 2 && memory >= memoryWanted
  const mend = isEnough ? '' : 'a validator should have 2 cores and 4 GiB'
  return { what: 'machine', state: isEnough ? 'good' : 'poor', found, mend }
}

/** The compiled kernels: there, and equal to the reference. */
async function kernels(): Promise<Finding> {
  const what = 'training and proving'
  try {
    openWasmKernels()
    const { backend } = await openBackend('wasm', 1)
    const { name } = backend
    await backend.close()
    return {
      what,
      state: 'good',
      found: `${name} kernels`,
      mend: '',
    }
  } catch (error) {
    const found = error instanceof Error ? error.message.split('\n')[0]! : String(error)
    return { what, state: 'bad', found, mend: 'run `node scripts/prepare.mjs` or `npm ci`' }
  }
}

/** A card, if there is one, on trial. None is needed. */
async function card(): Promise<Finding> {
  const what = 'GPU'
  const adapter = await describeAdapter()
  if (adapter === null)
    return { what, state: 'good', found: 'none; the processor trains', mend: '' }
  const { description, software } = adapter
  if (software)
    return { what, state: 'good', found: `${description}: slow, so the processor trains`, mend: '' }
  const { backend, warning } = await openBackend('auto', 1)
  await backend.close()
  return warning === null
    ? { what, state: 'good', found: `${description}: exact`, mend: '' }
    : {
        what,
        state: 'poor',
        found: warning,
        mend: 'update its driver; --backend wasm does without',
      }
}

async function disk(folder: string): Promise<Finding> {
  await mkdir(folder, { recursive: true })
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const state: State = free >= diskWanted ? 'good' : free >= diskNeeded ? 'poor' : 'bad'
  const mend = state === 'good' ? '' : `free ${bytesText(diskWanted)} or name another with --data`
  return { what: 'disk', state, found: `${bytesText(free)} free`, mend }
}

/** The running node, or whether one could be started at its port. */
async function node(url: string, io: Io): Promise<readonly Finding[]> {
  const health = await ask(`${url}/health`).catch(() => null)
  if (health === null) return [await port(url), await ports(url)]
  const { status, blockNumber, peers } = health.body as Record<string, string>
  const what = 'node'
  const found = `${status} at block ${Number(blockNumber)}`
  const isUp = status === 'ok'
  return [
    { what, state: isUp ? 'good' : 'poor', found, mend: isUp ? '' : 'wait until it has caught up' },
    peersOf(Number(peers)),
    clock(health.date, io),
  ]
}

function peersOf(peers: number): Finding {
  const found = `${peers} connected`
  return peers > 0
    ? { what: 'peers', state: 'good', found, mend: '' }
    : { what: 'peers', state: 'poor', found, mend: 'name one with `waggle start --peer ADDRESS`' }
}

/** HTTP dates have whole seconds, so up to one of difference says nothing. */
function clock(date: string | null, io: Io): Finding {
  const theirs = Date.parse(date ?? '')
  if (Number.isNaN(theirs)) return { what: 'clock', state: 'poor', found: 'unknown', mend: '' }
  const apart = Math.max(0, Math.abs(io.clock.now() - theirs) - 1_000)
  const found = `${apart} ms from the node's`
  return apart <= clockBoundMs
    ? { what: 'clock', state: 'good', found, mend: '' }
    : { what: 'clock', state: 'bad', found, mend: 'run an NTP client, e.g. systemd-timesyncd' }
}

async function port(url: string): Promise<Finding> {
  const { hostname, port: number } = new URL(url)
  const isTaken = await new Promise<boolean>((resolve) => {
    const socket = createConnection({ host: hostname, port: Number(number || 80) })
    socket.setTimeout(answerMs, () => socket.destroy(new Error('no answer')))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
  return isTaken
    ? {
        what: 'node',
        state: 'bad',
        found: `something else answers at ${url}`,
        mend: 'stop it, or choose another port with --rpc-port',
      }
    : { what: 'node', state: 'poor', found: `none at ${url}`, mend: 'start one: waggle devnet' }
}

/** Nodes of a devnet, each with a port, from that of the first on. */
const devnetNodes = 4

/** Whether a devnet finds the ports that it takes. */
async function ports(url: string): Promise<Finding> {
  const first = Number(new URL(url).port || 80)
  const wanted = Array.from({ length: devnetNodes }, (_, i) => first + i)
  const free = await Promise.all(wanted.map(isFree))
  const taken = wanted.filter((_, i) => !free[i])
  const what = 'ports'
  return taken.length === 0
    ? { what, state: 'good', found: `${first} to ${wanted.at(-1)} are free`, mend: '' }
    : {
        what,
        state: 'poor',
        found: `${taken.join(', ')} taken`,
        mend: 'choose others with `waggle devnet --rpc-port`, or 0 for any',
      }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port: Math.min(port, 65_535), host: '127.0.0.1', exclusive: true }, () =>
      server.close(() => resolve(true)),
    )
  })
}

async function ask(url: string): Promise<{ readonly body: unknown; readonly date: string | null }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(answerMs) })
  return { body: await response.json(), date: response.headers.get('date') }
}
