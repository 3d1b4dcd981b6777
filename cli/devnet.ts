/**
 * A development network on this machine: n validators with public keys, each a process, all peers of
 * each other.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createKeys, listKeys } from '../node/keys.ts'
import { devnetKeys, devnetPassword } from '../node/keysDevnet.ts'
import { dataFiles, packagedGenesis } from './dataDir.ts'
import { placeFirstDataset } from './devnetDataset.ts'
import { type DevnetChanges, devnetGenesis } from './devnetGenesis.ts'
import { type DevnetNode, startDevnetNode } from './devnetNode.ts'
import { fail, orFail } from './failure.ts'
import { type LinkOptions, openRelay, type Relay } from './relay.ts'

export type DevnetOptions = {
  readonly validators: number
  /** Of them in genesis; the others have keys and nothing at stake. @default all */
  readonly seated?: number | undefined
  /** Holds a folder for each node; kept from run to run. */
  readonly dataDir: string
  /** Of node i: `rpcPorts[i]`. */
  readonly rpcPorts: readonly number[]
  readonly p2pPorts: readonly number[]
  readonly genesis?: DevnetChanges | undefined
  /** Nodes reach each other through relays that delay and can be cut. @default directly */
  readonly link?: LinkOptions | undefined
  /** Told what is being done. @default nobody */
  readonly note?: ((text: string) => void) | undefined
  /** More flags of `waggle start` for node i. @default none */
  readonly flagsOf?: ((index: number) => readonly string[]) | undefined
  /** Program of node i. @default the command line */
  readonly programOf?: ((index: number) => string | undefined) | undefined
  /** How long each node may take to answer. @default as for one node */
  readonly patienceMs?: number | undefined
}

export type Devnet = {
  readonly nodes: readonly DevnetNode[]
  /** The way to node i for all others; none without `link`. */
  readonly relays: readonly Relay[]
  /** Stop every node cleanly. */
  readonly stop: () => Promise<void>
}

/** Processes that start at a time: more take each other's processor until none answers in time. */
const atOnce = 8

/**
 * Start all nodes; resolves when the RPC of each answers.
 *
 * @throws {Failure} if one does not start, after stopping the others.
 */
export async function launchDevnet(options: DevnetOptions): Promise<Devnet> {
  const { validators, rpcPorts, p2pPorts, flagsOf = () => [], note = () => {} } = options
  const folders = await prepareFolders(options)
  if (options.genesis?.firstJob !== false) await placeFirstDataset(folders, note)
  const { link } = options
  const relays =
    link === undefined ? [] : await Promise.all(p2pPorts.map((port) => openRelay(port, link)))
  const reached = link === undefined ? p2pPorts : relays.map(({ port }) => port)
  const direct = link === undefined ? [] : ['--no-discover']
  const start = (dataDir: string, i: number) =>
    startDevnetNode({
      dataDir,
      rpcPort: rpcPorts[i]!,
      p2pPort: p2pPorts[i]!,
      peerPorts: reached.slice(0, validators).filter((_, peer) => peer !== i),
      flags: [...direct, ...flagsOf(i)],
      program: options.programOf?.(i),
      patienceMs: options.patienceMs,
    }).then((node) => {
      note(`node ${i} answers at ${node.rpcUrl}`)
      return node
    })
  const settled: PromiseSettledResult<DevnetNode>[] = []
  for (let i = 0; i < validators; i += atOnce) {
    const some = folders.slice(i, i + atOnce).map((dataDir, j) => start(dataDir, i + j))
    settled.push(...(await Promise.allSettled(some)))
  }
  const nodes = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.kill('SIGTERM')))
    await Promise.all(relays.map((relay) => relay.close()))
  }
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed === undefined) return { nodes, relays, stop }
  await stop()
  throw failed.reason
}

/**
 * Remove the nodes of an earlier network in `dataDir`, if every one is a devnet's: then its keys are
 * public and come back.
 *
 * @throws {Failure} if a node there has another password than a devnet's; then nothing is removed.
 */
export async function forgetDevnet(dataDir: string): Promise<void> {
  const names = await readdir(dataDir).catch(() => [])
  const folders = names.filter((name) => /^node[0-9]+$/.test(name)).map((one) => join(dataDir, one))
  for (const folder of folders) {
    const password = await readFile(join(folder, dataFiles.password), 'utf8').catch(() => '')
    if (password.trim() !== devnetPassword)
      return fail({
        what: `${folder} is no node of a devnet`,
        why: 'its password is not the one that every devnet has, so its keys may be of value',
        next: 'name another folder with --data',
      })
  }
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
}

/** A folder for each node with genesis and keys; what is there already stays. */
async function prepareFolders(options: DevnetOptions): Promise<readonly string[]> {
  const { dataDir, validators, seated = validators, genesis } = options
  const text = devnetGenesis(await readFile(packagedGenesis, 'utf8'), seated, genesis)
  const folders = Array.from({ length: validators }, (_, i) => join(dataDir, `node${i}`))
  for (const [i, folder] of folders.entries()) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeGenesis(join(folder, dataFiles.genesis), text)
    await writeFile(join(folder, dataFiles.password), `${devnetPassword}\n`, { mode: 0o600 })
    const keys = join(folder, dataFiles.keys)
    if ((await listKeys(keys)).ok) continue
    const made = await createKeys(keys, devnetPassword, devnetKeys(i), 'devnet')
    orFail(made, `cannot make keys in ${keys}`, 'name another folder with --data')
  }
  return folders
}

/** @throws {Failure} if there is another genesis already: its chain would not fit. */
async function writeGenesis(path: string, text: string): Promise<void> {
  const before = await readFile(path, 'utf8').catch(() => text)
  if (before === text) return writeFile(path, text)
  return fail({
    what: `${path} is of another network`,
    why: 'it was made with other --validators, another first job or another version',
    next: 'name another folder with --data, or begin anew with --reset',
  })
}

/**
 * Below the ports that systems give to outgoing connections (32,768 and up on Linux, 49,152 elsewhere):
 * of those, one that was free a moment ago is soon some dialler's.
 */
const [lowestPort, portCount] = [12_000, 20_000]

/** `count` different ports that were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = lowestPort + Math.floor(Math.random() * portCount)
    if (!ports.has(port) && (await isFree(port))) ports.add(port)
  }
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
