/**
 * `waggle devnet`: a development network in one command.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { devnetAccount, devnetAccountCount, devnetMnemonic } from '../../node/keysDevnet.ts'
import { checksumAddress } from '../../primitives/address.ts'
import { toHex } from '../../primitives/bytes.ts'
import { wholeNumber } from '../arguments.ts'
import { type Devnet, forgetDevnet, freePorts, launchDevnet } from '../devnet.ts'
import { Failure } from '../failure.ts'
import { durationText } from '../format.ts'
import { type Io, paint } from '../io.ts'
import { createReport } from '../report.ts'
import { table } from '../table.ts'
import { allowedHostsOption, backendOption, corsOriginsOption } from './start.ts'

type Flags = {
  readonly validators: number
  readonly data?: string
  readonly reset?: true
  readonly rpcPort: number
  readonly corsOrigins: readonly string[]
  readonly allowedHosts: readonly string[]
  readonly firstJob: boolean
  readonly backend: string
  readonly logLevel: string
  readonly json?: true
}

const examples = `
Examples:
  $ waggle devnet                            four validators, forgotten at Ctrl-C
  $ waggle devnet --validators 1             the smallest chain
  $ waggle devnet --data ./net               keeps the chain from run to run
  $ waggle devnet --data ./net --reset       begins it anew

Every key of a devnet is public: never put anything of value on one.`

export function addDevnet(program: Command, io: Io): void {
  program
    .command('devnet')
    .description('run a development network on this machine')
    .option('--validators <n>', 'how many', wholeNumber(1, 16), 4)
    .option('--data <folder>', 'keep the nodes there (default: a temporary folder)')
    .option('--reset', 'forget the nodes of an earlier devnet in --data first')
    .option('--rpc-port <port>', 'of the first node; 0 picks ports', wholeNumber(0, 65_000), 8545)
    .addOption(corsOriginsOption())
    .addOption(allowedHostsOption())
    .option('--no-first-job', 'start without the job on MNIST')
    .addOption(backendOption())
    .option('--log-level <level>', 'of the nodes, in node.log of their folders', 'info')
    .option('--json', 'print a JSON line once the network runs')
    .addHelpText('after', examples)
    .action((flags: Flags) => devnet(flags, io))
}

async function devnet(flags: Flags, io: Io): Promise<void> {
  const report = createReport(io, flags)
  const temporary = flags.data === undefined
  const dataDir = flags.data ?? (await mkdtemp(join(tmpdir(), 'waggle-devnet-')))
  try {
    if (flags.reset === true) await forgetDevnet(dataDir)
    report.note(`starting ${flags.validators} nodes in ${dataDir}`)
    const began = io.clock.now()
    const net = await launchDevnet({
      validators: flags.validators,
      dataDir,
      rpcPorts: await rpcPorts(flags),
      p2pPorts: await freePorts(flags.validators),
      genesis: { firstJob: flags.firstJob },
      flagsOf: () => startFlags(flags),
      note: report.note,
    })
    try {
      report.note(`started in ${durationText(io.clock.now() - began)}`)
      announce(net, flags, io)
      await untilStopped(net, io)
      report.note('\nstopping')
    } finally {
      await net.stop()
    }
  } finally {
    if (temporary) await rm(dataDir, { recursive: true, force: true })
  }
}

/** What each node is told besides its folder and ports. */
function startFlags({ backend, logLevel, corsOrigins, allowedHosts }: Flags): readonly string[] {
  return [
    ...['--backend', backend],
    ...['--log-level', logLevel],
    ...corsOrigins.flatMap((origin) => ['--cors-origins', origin]),
    ...allowedHosts.flatMap((name) => ['--allowed-hosts', name]),
  ]
}

async function rpcPorts({ rpcPort, validators }: Flags): Promise<readonly number[]> {
  if (rpcPort === 0) return freePorts(validators)
  return Array.from({ length: validators }, (_, i) => rpcPort + i)
}

function announce(net: Devnet, flags: Flags, io: Io): void {
  const accounts = Array.from({ length: devnetAccountCount }, (_, i) => devnetAccount(i))
  const nodes = net.nodes.map((node) => ({
    rpcUrl: node.rpcUrl,
    pid: node.pid(),
    dataDir: node.dataDir,
  }))
  const json = {
    nodes,
    mnemonic: devnetMnemonic,
    accounts: accounts.map(({ address, privateKey }) => ({
      address,
      privateKey: toHex(privateKey),
    })),
  }
  createReport(io, flags).result(json, () =>
    [
      paint(io, 'yellow', 'INSECURE: everybody knows these keys.\n'),
      table(
        io,
        ['account', 'address', 'private key'],
        accounts.map(({ address, privateKey }, i) => [
          i.toString(),
          checksumAddress(address),
          toHex(privateKey),
        ]),
      ),
      `each holds 1,000,000 coins; mnemonic: ${devnetMnemonic}\n\n`,
      table(
        io,
        ['node', 'RPC', 'process', 'folder'],
        nodes.map(({ rpcUrl, pid, dataDir }, i) => [String(i), rpcUrl, String(pid), dataDir]),
      ),
      `\nExplorer: ${nodes[0]!.rpcUrl}/\nCtrl-C stops the network. Try: waggle validators\n`,
    ].join(''),
  )
}

/** Resolves when the user wants out. @throws {Failure} if a node dies before. */
function untilStopped(net: Devnet, { stopped }: Io): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stopped.aborted) resolve()
    stopped.addEventListener('abort', () => resolve(), { once: true })
    for (const node of net.nodes)
      node.onDeath((why) =>
        reject(
          new Failure({
            what: `the node in ${node.dataDir} died`,
            why,
            next: `read ${join(node.dataDir, 'node.log')}`,
          }),
        ),
      )
  })
}
