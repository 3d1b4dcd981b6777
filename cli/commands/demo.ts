/**
 * `waggle demo`: the whole story in one command; the story itself is in `demo.ts`.
 */
import type { Command } from 'commander'
import { positiveNumber } from '../arguments.ts'
import type { DemoOptions } from '../demo.ts'
import { ExitCode, fail } from '../failure.ts'
import type { Io } from '../io.ts'

const examples = `
Examples:
  $ waggle demo                                          MNIST on four validators
  $ waggle demo --short                                  the same in about a minute
  $ waggle demo --dataset iris.csv --labels species      your own rows`

export function addDemo(program: Command, io: Io): void {
  program
    .command('demo')
    .description('train a model on four validators of this machine, from funding to payment')
    .option('--dataset <file>', 'CSV or NPY file to train on (default: MNIST)')
    .option('--labels <column>', 'column of the CSV file that holds the classes')
    .option('--epochs <number>', 'times that each row is visited', positiveNumber)
    .option('--short', 'a small model and few steps')
    .option('--json', 'print JSON lines')
    .addHelpText('after', examples)
    .action((flags: DemoOptions) => demo(flags, io))
}

async function demo(flags: DemoOptions, io: Io): Promise<void> {
  if (flags.labels !== undefined && flags.dataset === undefined)
    return fail({
      what: '--labels without --dataset',
      why: 'MNIST brings labels of its own',
      next: 'name the file with --dataset FILE',
      exitCode: ExitCode.Usage,
    })
  const { runDemo } = await import('../demo.ts')
  await runDemo(flags, io)
}
