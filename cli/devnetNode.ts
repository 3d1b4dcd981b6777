/**
 * One node of a development network, as a process of its own. Its log goes to `node.log` in its data
 * folder.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Failure } from './failure.ts'

export type DevnetNodeOptions = {
  readonly dataDir: string
  readonly rpcPort: number
  /** libp2p port on loopback. */
  readonly p2pPort: number
  /** libp2p ports of the other nodes. */
  readonly peerPorts: readonly number[]
  /** More flags of `waggle start`. */
  readonly flags: readonly string[]
  /** The program that runs `start`; tests have one that lies. @default the command line */
  readonly program?: string | undefined
  /** How long RPC may take to answer. @default 90,000 */
  readonly patienceMs?: number | undefined
}

export type DevnetNode = {
  readonly rpcUrl: string
  readonly dataDir: string
  readonly pid: () => number
  readonly isRunning: () => boolean
  /** Resolves when the process has ended. @default SIGKILL */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>
  /** Start again on the same folder and ports; resolves when RPC answers. */
  readonly restart: () => Promise<void>
  /** Told when the process ends without {@link kill}. */
  readonly onDeath: (listener: (reason: string) => void) => void
}

const main = join(import.meta.dirname, 'main.ts')
/** A node that has not ended this long after SIGTERM is killed. */
const graceMs = 15_000

/** Start a node; resolves when its RPC answers. @throws {Failure} if it ends first. */
export async function startDevnetNode(options: DevnetNodeOptions): Promise<DevnetNode> {
  const { dataDir, rpcPort } = options
  const listeners: ((reason: string) => void)[] = []
  let wanted = true
  let child = await launch(options)
  watch(child)

  function watch(started: ChildProcess): void {
    started.once('exit', (code, signal) => {
      if (wanted) for (const listener of listeners) listener(signal ?? `exit code ${code}`)
    })
  }

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    wanted = false
    if (hasEnded(child)) return
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
    })
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    await ended
    clearTimeout(timer)
  }

  return {
    rpcUrl: `http://127.0.0.1:${rpcPort}`,
    dataDir,
    pid: () => child.pid!,
    isRunning: () => !hasEnded(child),
    kill,
    restart: async () => {
      await kill()
      child = await launch(options)
      wanted = true
      watch(child)
    },
    onDeath: (listener) => {
      listeners.push(listener)
    },
  }
}

async function launch(options: DevnetNodeOptions): Promise<ChildProcess> {
  const log = await open(join(options.dataDir, 'node.log'), 'a')
  try {
    const child = spawn(process.execPath, [options.program ?? main, 'start', ...flagsOf(options)], {
      // Its standard input ends with this process, however that ends, and the node with it.
      stdio: ['pipe', 'pipe', log.fd],
      // Its own process group: Ctrl-C reaches the parent alone, which then stops the nodes in order.
      detached: true,
    })
    await ready(child, options)
    return child
  } finally {
    await log.close()
  }
}

function flagsOf({ dataDir, rpcPort, p2pPort, peerPorts, flags }: DevnetNodeOptions): string[] {
  const address = (port: number) => `/ip4/127.0.0.1/tcp/${port}`
  return [
    '--json',
    ...['--data', dataDir, '--rpc-port', String(rpcPort), '--listen', address(p2pPort)],
    ...peerPorts.flatMap((port) => ['--peer', address(port)]),
    '--allow-uploads',
    '--until-stdin-closes',
    ...flags,
  ]
}

/** Resolves at the line that says where RPC is. */
function ready(child: ChildProcess, options: DevnetNodeOptions): Promise<void> {
  const { dataDir, patienceMs = 90_000 } = options
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout! })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      settle(`it did not answer in ${patienceMs / 1_000} s`)
    }, patienceMs)
    const onExit = (code: number | null, signal: string | null) =>
      settle(`it ended with ${signal ?? `exit code ${code}`}`)
    child.once('exit', onExit)
    child.once('error', (error) => settle(error.message))
    lines.once('line', () => settle(null))

    function settle(why: string | null): void {
      clearTimeout(timer)
      child.off('exit', onExit)
      if (why === null) resolve()
      else logTail(dataDir).then((tail) => reject(startFailure(dataDir, why, tail)), reject)
    }
  })
}

function startFailure(dataDir: string, why: string, tail: string): Failure {
  const what = `the node in ${dataDir} did not start`
  const next = `read ${join(dataDir, 'node.log')}`
  const said = reasonIn(tail)
  if (said !== null) return new Failure({ what, why: said, next })
  return new Failure({ what, why: tail === '' ? why : `${why}; its last words:\n${tail}`, next })
}

/** The reason of a failure that the node printed as its last line. */
function reasonIn(tail: string): string | null {
  const last = tail.split('\n').at(-1)!
  if (!last.startsWith('{"error":')) return null
  const { error } = JSON.parse(last) as { readonly error: { readonly why: string } }
  return error.why
}

async function logTail(dataDir: string): Promise<string> {
  const text = await readFile(join(dataDir, 'node.log'), 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-6).join('\n')
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
