/**
 * `waggle start`: runs a node until it is told to stop.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { type BackendChoice, backendChoices } from '../../compute/backend.ts'
import type { NodeOptions } from '../../node/options.ts'
import type { WorkshopSeams } from '../../node/workshop.ts'
import type { Hash } from '../../primitives/hash.ts'
import { collect, collectList, hashArgument, originList, wholeNumber } from '../arguments.ts'
import { dataFiles, dataOption, packagedExplorer, packagedGenesis } from '../dataDir.ts'
import { ExitCode, fail } from '../failure.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'

type StartFlags = {
  readonly data: string
  readonly genesis?: string
  readonly keys?: string
  readonly passwordFile?: string
  readonly follow?: true
  readonly rpcHost: string
  readonly rpcPort: number
  readonly corsOrigins: readonly string[]
  readonly allowedHosts: readonly string[]
  readonly explorer: boolean
  readonly listen: readonly string[]
  readonly peer: readonly string[]
  readonly backend: BackendChoice
  readonly archive?: true
  readonly keepStates: number
  readonly discover?: boolean
  readonly snapshot?: true
  readonly checkpoint?: Hash
  readonly allowUploads?: true
  readonly refuseBlobs?: string
  readonly work: boolean
  readonly sitOut: number
  readonly logLevel: NodeOptions['logLevel']
  readonly untilStdinCloses?: true
  readonly json?: true
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

const examples = `
Examples:
  $ waggle start                                   with what waggle init made in ~/.waggle
  $ waggle start --follow --data /srv/waggle       follow the chain, vote on nothing
  $ waggle start --listen /ip4/0.0.0.0/tcp/9000 --peer /dns4/a.example/tcp/9000

Prints the RPC address once the node answers. Ctrl-C stops it cleanly; what it was training is
trained again after the next start.`

/** @param seams - what a dishonest validator does otherwise; only tests pass any. */
export function addStart(program: Command, io: Io, seams?: WorkshopSeams): void {
  program
    .command('start')
    .description('run a node')
    .addOption(dataOption(io, 'folder of everything this node keeps'))
    .option('--genesis <file>', 'genesis of the chain (default: genesis.json of the data folder)')
    .option('--keys <folder>', "the validator's keys (default: keys in the data folder)")
    .option('--password-file <file>', "the keys' password (default: password in the data folder)")
    .option('--follow', 'follow the chain without voting or working, even with keys')
    .option('--rpc-host <host>', 'address to serve RPC on', '127.0.0.1')
    .option('--rpc-port <port>', 'port to serve RPC on; 0 picks one', wholeNumber(0, 65_535), 8545)
    .addOption(corsOriginsOption())
    .addOption(allowedHostsOption())
    .option('--no-explorer', 'serve RPC alone, without the explorer at /')
    .addOption(addressesOption('--listen', 'libp2p address to listen on'))
    .addOption(addressesOption('--peer', 'libp2p address of a peer'))
    .addOption(backendOption())
    .option('--archive', 'keep the states of all blocks')
    .option(
      '--keep-states <blocks>',
      'newest blocks whose states are kept',
      wholeNumber(64, 1_000_000_000),
      4_096,
    )
    .option('--no-discover', 'connect to the named peers alone, not to whom they know')
    .option(
      '--snapshot',
      "start a new data folder from peers' newest state instead of from genesis",
    )
    .option(
      '--checkpoint <hash>',
      'like --snapshot, trusting this block hash instead of the genesis file',
      hashArgument,
    )
    .option('--allow-uploads', 'take blobs over RPC; whoever reaches the port can fill the disk')
    .option('--refuse-blobs <file>', 'hashes of blobs never to keep or serve, one per line')
    .option('--no-work', 'vote, but take no leases')
    .option('--sit-out <count>', 'leases to let pass before working', wholeNumber(0, 1_000_000), 0)
    .addOption(
      new Option('--log-level <level>', 'least severity that is logged')
        .choices(logLevels)
        .default('info'),
    )
    .addOption(new Option('--until-stdin-closes', 'stop with whoever started it').hideHelp())
    .option('--json', 'print the RPC address as a JSON line')
    .addHelpText('after', examples)
    .action((flags: StartFlags) => start(flags, io, seams))
}

export function corsOriginsOption(): Option {
  const description = 'origins whose pages may use RPC, comma-separated; * for any'
  return new Option('--cors-origins <list>', description).argParser(originList).default([], 'none')
}

export function allowedHostsOption(): Option {
  const description = 'further names RPC may be called by, comma-separated; * for any'
  return new Option('--allowed-hosts <list>', description)
    .argParser(collectList)
    .default([], 'loopback and --rpc-host')
}

function addressesOption(name: string, description: string): Option {
  return new Option(`${name} <multiaddr>`, `${description}; may be repeated`)
    .argParser(collect)
    .default([], 'none')
}

async function start(flags: StartFlags, io: Io, seams?: WorkshopSeams): Promise<void> {
  const { startNode } = await import('../../node/node.ts')
  const options = nodeOptions(flags)
  const node = await startNode(options, seams).catch((error: unknown) =>
    fail(
      {
        what: 'the node did not start',
        why: reasonOf(error),
        next: 'mend that and start again; --log-level debug tells more',
        exitCode: /EADDRINUSE/.test(reasonOf(error)) ? ExitCode.Unavailable : ExitCode.Refused,
      },
      error,
    ),
  )
  const ready = { rpcUrl: node.rpcUrl, pid: process.pid, dataDir: options.dataDir }
  createReport(io, flags).result(ready, () => `RPC on ${node.rpcUrl}\n`)
  await untilUnwanted(flags, io)
  await node.stop()
}

function untilUnwanted({ untilStdinCloses }: StartFlags, { stopped }: Io): Promise<void> {
  return new Promise((resolve) => {
    if (stopped.aborted) resolve()
    stopped.addEventListener('abort', () => resolve(), { once: true })
    if (untilStdinCloses === true) process.stdin.once('close', () => resolve()).resume()
  })
}

/** What the flags mean, with what the data folder holds as defaults. */
export function nodeOptions(flags: StartFlags): NodeOptions {
  const inData = (name: string) => {
    const path = join(flags.data, name)
    return existsSync(path) ? path : null
  }
  const keys = flags.keys ?? inData(dataFiles.keys)
  const fresh = flags.snapshot === true || flags.checkpoint !== undefined
  return {
    dataDir: flags.data,
    genesisPath: flags.genesis ?? inData(dataFiles.genesis) ?? packagedGenesis,
    keysDir: flags.follow === true ? null : keys,
    passwordFile: flags.passwordFile ?? inData(dataFiles.password),
    rpcHost: flags.rpcHost,
    rpcPort: flags.rpcPort,
    corsOrigins: flags.corsOrigins,
    allowedHosts: flags.allowedHosts,
    explorerDir: flags.explorer ? packagedExplorer : null,
    listen: flags.listen,
    bootstrap: flags.peer,
    discover: flags.discover,
    backend: flags.backend,
    keepStates: flags.archive === true ? null : flags.keepStates,
    snapshot: fresh ? { checkpoint: flags.checkpoint ?? null } : undefined,
    allowUploads: flags.allowUploads === true,
    refuseBlobs: flags.refuseBlobs,
    work: flags.work,
    sitOut: flags.sitOut,
    logLevel: flags.logLevel,
  }
}

/** `auto` is a GPU where there is one, else WebAssembly; another falls back to it with a warning. */
export function backendOption(): Option {
  return new Option('--backend <name>', 'what trains').choices(backendChoices).default('auto')
}

/** The message with those of its causes. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`
}
