/**
 * `waggle import`: judges a chain that other nodes made, and serves it over RPC.
 */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { ForeignChain } from '../../chain/foreign/foreignChain.ts'
import { hashFromBytes } from '../../primitives/hash.ts'
import { wholeNumber } from '../arguments.ts'
import { diskFailure, ExitCode, fail, orFail } from '../failure.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'

const examples = `
Examples:
  $ waggle import --genesis genesis.json --chain chain.rlp
  $ waggle import --genesis genesis.json --chain chain.rlp --serve 8545
  $ waggle import --genesis genesis.json --chain chain.rlp --serve 0 --json

The genesis is in geth's format, the chain is blocks in RLP, one after the other, as clients export
them. Every header, body, transaction and result is checked under the rules of its fork; seals,
difficulties and forks' choice are not. With --serve it answers over RPC until Ctrl-C; without, it
says what it found. The chain and all its states are kept in memory.`

type Flags = {
  readonly genesis: string
  readonly chain: string
  readonly serve?: number
  readonly rpcHost: string
  readonly json?: true
}

export function addImport(program: Command, io: Io): void {
  program
    .command('import')
    .description('check a chain of another genesis and serve it over RPC')
    .requiredOption('--genesis <file>', "genesis in geth's format")
    .requiredOption('--chain <file>', 'blocks in RLP, one after the other')
    .option('--serve <port>', 'serve RPC on this port; 0 picks one', wholeNumber(0, 65_535))
    .option('--rpc-host <host>', 'address to serve RPC on', '127.0.0.1')
    .option('--json', 'print the head, and the RPC address, as JSON lines')
    .addHelpText('after', examples)
    .action((flags: Flags) => importAndServe(flags, io))
}

async function importAndServe(flags: Flags, io: Io): Promise<void> {
  const report = createReport(io, flags)
  const [genesis, blocks] = await Promise.all([
    readInput(flags.genesis, 'genesis'),
    readInput(flags.chain, 'chain'),
  ])
  const { importChain } = await import('../../chain/foreign/foreignChain.ts')
  const imported = await importChain(new TextDecoder().decode(genesis), blocks, {
    stopped: () => io.stopped.aborted,
    progress: (height, of) => {
      if (height % 1_000n === 0n) report.note(`block ${height} of ${of}`)
    },
  })
  const chain = orFail(
    imported,
    `${flags.chain} is no valid chain of ${flags.genesis}`,
    'give the genesis and the export of one chain; blocks before the named one were right',
  )
  const head = headOf(chain)
  report.result(head, () => `block ${head.height}, ${head.hash}\n`)
  if (flags.serve !== undefined) await serve(chain, flags.serve, flags, io)
}

function headOf({ blocks, chainId }: ForeignChain) {
  const { header } = blocks.at(-1)!.block
  const transactions = blocks.reduce((sum, { block }) => sum + block.transactions.length, 0)
  return {
    chainId,
    height: header.number,
    hash: hashFromBytes(header.hash()),
    stateRoot: hashFromBytes(header.stateRoot),
    fork: header.common.hardfork(),
    transactions,
  }
}

async function serve(chain: ForeignChain, rpcPort: number, flags: Flags, io: Io): Promise<void> {
  const { serveForeign } = await import('../../node/foreignNode.ts')
  const report = createReport(io, flags)
  const options = { rpcHost: flags.rpcHost, rpcPort }
  const node = await serveForeign(chain, options, (error) => report.warn(String(error))).catch(
    (error: unknown) =>
      fail(
        {
          what: `RPC cannot be served on port ${rpcPort}`,
          why: error instanceof Error ? error.message : String(error),
          next: 'choose another port, or --serve 0',
          exitCode: ExitCode.Unavailable,
        },
        error,
      ),
  )
  const ready = { rpcUrl: node.rpcUrl, pid: process.pid }
  report.result(ready, () => `RPC on ${node.rpcUrl}\n`)
  await new Promise<void>((resolve) => {
    if (io.stopped.aborted) resolve()
    io.stopped.addEventListener('abort', () => resolve(), { once: true })
  })
  await node.stop()
}

async function readInput(path: string, what: string): Promise<Uint8Array> {
  try {
    return Uint8Array.from(await readFile(path))
  } catch (error) {
    throw diskFailure(error, `cannot read the ${what}`, 'check the path')
  }
}
