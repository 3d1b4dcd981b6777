/**
 * `waggle job`: queue a training job, and follow it to payment.
 */
import { type Command, Option } from 'commander'
import type { Hash } from '../../primitives/hash.ts'
import { addAccountOptions } from '../account.ts'
import { hashArgument, layerList, positiveNumber, weiAmount, wholeNumber } from '../arguments.ts'
import { addSourceOptions } from '../datasetSource.ts'
import type { Io } from '../io.ts'
import { addRpcOptions, type RpcFlags } from '../rpc.ts'
import { addJobList } from './jobList.ts'
import { type OpenFlags, openJob } from './jobOpen.ts'
import { type PlanFlags, planJob } from './jobPlan.ts'
import { watchJob } from './jobWatch.ts'

const openExamples = `
Examples:
  $ waggle job open --dataset mnist --layers 784,128,64,10 --epochs 1 --devnet-account 0
  $ waggle job open --dataset 0xf1…69 --rows rows.waggle --layers 784,64,10 --steps 500 \\
      --key-file me.json --password-file password.txt --yes --json

Shifts are calibrated on 512 rows of the dataset: by its name for mnist, otherwise from --rows or
from the node. When the last step is certified, a last lease evaluates the model on held-out rows
that are drawn then. The whole fee is held in escrow by the Jobs module; what is not earned
comes back.`

const watchExamples = `
Examples:
  $ waggle job watch 0x5f…c3
  $ waggle job watch 0x5f…c3 --json | jq -r 'select(.event=="Certified").details.fee'

Ends when the job is finished or cancelled; Ctrl-C only stops watching.`

const planExamples = `
Examples:
  $ waggle job plan model.json iris.csv --labels species
  $ waggle job plan digits.json mnist --json | jq .escrow

model.json is like {"layers": [4, 16, 3], "batch": 16, "epochs": 2}; also known are steps,
leaseSteps and replay. Calibrates on the rows, asks no node, and pays nothing.`

export function addJob(program: Command, io: Io): void {
  const job = program.command('job').description('training jobs')
  const open = job
    .command('open')
    .description('calibrate, quote and open a training job')
    .requiredOption('--dataset <root>', 'root of a registered dataset, or mnist')
    .option('--rows <source>', "the dataset's rows here, as for waggle dataset add")
    .requiredOption('--layers <widths>', 'features, hidden widths, classes', layerList)
    .option('--batch <rows>', 'rows of a step', wholeNumber(1, 61_440), 64)
    .addOption(
      new Option('--epochs <number>', 'times that each row is visited (default: 1)')
        .argParser(positiveNumber)
        .conflicts('steps'),
    )
    .option('--steps <count>', 'steps, instead of epochs', wholeNumber(1, 2 ** 31))
    .option('--lease-steps <count>', 'steps of one lease and certificate', wholeNumber(1, 64), 16)
    .option('--price <wei>', 'for each multiply-accumulate (default: the least)', weiAmount)
    .option(
      '--held-out <rows>',
      'last rows, kept to evaluate the model on; 0: none (default: a tenth, 10,000 at most)',
      wholeNumber(0, 2 ** 32 - 1),
    )
    .option('--base <job>', 'start from the weights of the model that it trained', hashArgument)
    .option('--replay', 'have it judged by re-execution, not by proofs: small jobs only')
    .option('--yes', 'do not ask')
    .addOption(
      new Option(
        '--propose <purpose>',
        'propose it to the treasury, as a validator, instead of paying for it',
      ).conflicts('base'),
    )
  addAccountOptions(addRpcOptions(addSourceOptions(open)))
    .addHelpText('after', openExamples)
    .action((flags: OpenFlags) => openJob(flags, io))
  const plan = job
    .command('plan')
    .description('tell what a job would cost, take and prove')
    .argument('<model>', 'JSON file that describes the model')
    .argument('<data>', 'CSV, NPY or dataset file, or mnist')
    .option('--genesis <file>', 'the chain (default: the packaged devnet)')
    .option('--json', 'print a JSON line')
  addSourceOptions(plan)
    .addHelpText('after', planExamples)
    .action((model: string, data: string, flags: PlanFlags) => planJob(model, data, flags, io))
  const watch = job
    .command('watch')
    .description('follow a job until it is paid')
    .argument('<job>', 'the name that waggle job open printed', hashArgument)
  addRpcOptions(watch)
    .addHelpText('after', watchExamples)
    .action((id: Hash, flags: RpcFlags) => watchJob(id, flags, io))
  addJobList(job, io)
}
