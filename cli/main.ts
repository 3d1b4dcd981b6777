/**
 * The `waggle` command line: parses arguments, runs one command, and turns its failure into three
 * lines and an exit code.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { addBalance } from './commands/balance.ts'
import { addCompletion } from './commands/completion.ts'
import { addDataset } from './commands/dataset.ts'
import { addDb } from './commands/db.ts'
import { addDelegate } from './commands/delegate.ts'
import { addDemo } from './commands/demo.ts'
import { addDevnet } from './commands/devnet.ts'
import { addDoctor } from './commands/doctor.ts'
import { addExplain } from './commands/explain.ts'
import { addForensics } from './commands/forensics.ts'
import { addGpu } from './commands/gpu.ts'
import { addImport } from './commands/import.ts'
import { addInit } from './commands/init.ts'
import { addJob } from './commands/job.ts'
import { addKeys } from './commands/keys.ts'
import { addModel } from './commands/model.ts'
import { addPredict } from './commands/predict.ts'
import { addProof } from './commands/proof.ts'
import { addSimulate } from './commands/simulate.ts'
import { addStake } from './commands/stake.ts'
import { addStart } from './commands/start.ts'
import { addTreasury } from './commands/treasury.ts'
import { addValidators } from './commands/validators.ts'
import { addZk } from './commands/zk.ts'
import { ExitCode, Failure } from './failure.ts'
import { type Io, processIo } from './io.ts'
import { failureJson, failureText } from './report.ts'

const commands = [
  addInit,
  addKeys,
  addStart,
  addDevnet,
  addDemo,
  addDataset,
  addJob,
  addModel,
  addPredict,
  addProof,
  addImport,
  addDb,
  addValidators,
  addStake,
  addDelegate,
  addTreasury,
  addSimulate,
  addForensics,
  addBalance,
  addExplain,
  addZk,
  addDoctor,
  addGpu,
  addCompletion,
] as const

const about = `A chain whose validators earn blocks by training models, in exact integers, with proofs.

First steps:
  $ waggle devnet                        four validators on this machine, training MNIST
  $ waggle validators                    who agrees, and with what power
  $ waggle job open --dataset mnist --layers 784,128,64,10 --devnet-account 0`

/** The whole command line, for running and for its documentation; `writeErr` has words on wrong usage. */
export function createProgram(io: Io, writeErr: Io['err'] = io.err): Command {
  const program = new Command('waggle')
    .description(about)
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print help of a command')
    .exitOverride()
    .showHelpAfterError('Run the command with --help for its options and examples.')
    .configureOutput({
      writeOut: io.out,
      writeErr,
      getOutHelpWidth: () => helpWidth(io),
      getErrHelpWidth: () => helpWidth(io),
      getOutHasColors: () => io.colours,
      getErrHasColors: () => io.colours,
    })
  for (const add of commands) add(program, io)
  return program
}

/** Run the command that `argv` (without node and script) asks for; resolves to the exit code. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const isJson = argv.includes('--json')
  // Where usage is wrong Commander writes its message here, and throws it too.
  const program = createProgram(io, isJson ? () => {} : io.err)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return ExitCode.Ok
  } catch (error) {
    if (error instanceof CommanderError) {
      const code = usageCode(error)
      if (isJson && code !== ExitCode.Ok) io.err(failureJson(wrongUsage(error)))
      return code
    }
    return failed(error, isJson, io)
  }
}

function failed(error: unknown, isJson: boolean, io: Io): number {
  if (io.stopped.aborted && !(error instanceof Failure)) return ExitCode.Refused
  const failure = error instanceof Failure ? error : unexpected(error)
  io.err(isJson ? failureJson(failure) : failureText(io, failure.report))
  return failure.report.exitCode ?? ExitCode.Refused
}

/** What a command leaves open (a socket kept alive, a half-started node) may hold the process this long. */
const lingerMs = 500

/** Run with the process's own arguments and terminal. */
export async function runProcess(): Promise<void> {
  process.exitCode = await runCli(process.argv.slice(2), processIo())
  setTimeout(() => process.exit(), lingerMs).unref()
}

/** Help and version that were asked for are no error. */
function usageCode(error: CommanderError): number {
  const asked = ['commander.helpDisplayed', 'commander.version']
  return asked.includes(error.code) ? ExitCode.Ok : ExitCode.Usage
}

function wrongUsage({ message, code }: CommanderError): Failure {
  const what = message.replace(/^error: /, '')
  return new Failure({ what, why: code, next: 'run the command with --help for its options' })
}

function unexpected(error: unknown): Failure {
  const why = error instanceof Error ? error.message : String(error)
  const what = 'something went wrong that should not have'
  return new Failure({ what, why, next: 'please report it with the command and this message' })
}

function helpWidth({ columns }: Io): number {
  return Number.isFinite(columns) ? Math.min(columns, 100) : 100
}

function version(): string {
  const text = readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}

if (import.meta.main) await runProcess()
