/**
 * `waggle simulate`: adversaries against the real rules, without a network.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { parseGenesis } from '../../params/genesis.ts'
import type { Outcome } from '../../simulate/outcome.ts'
import type { Scenario } from '../../simulate/scenario.ts'
import type { Summary } from '../../simulate/summary.ts'
import { wholeNumber } from '../arguments.ts'
import { curve } from '../curve.ts'
import { packagedGenesis } from '../dataDir.ts'
import { ExitCode, fail, orFail } from '../failure.ts'
import type { Io } from '../io.ts'
import { createReport } from '../report.ts'
import { table } from '../table.ts'

const examples = `
Examples:
  $ waggle simulate lease-squatter --seed 7
  $ waggle simulate all --seeds 20 --epochs 1000 --json > results.jsonl
  $ waggle simulate all --from results.jsonl --output report.html

Each seed plays the adversary and an honest actor in its place through the same blocks; relative
profit is the difference, in parts of what an honest validator turns over. A report ends in .html
or .md.`

type Flags = {
  readonly seed: number
  readonly seeds: number
  readonly epochs: number
  readonly agents: number
  readonly from?: string
  readonly output?: string
  readonly json?: true
}

export function addSimulate(program: Command, io: Io): void {
  program
    .command('simulate')
    .description('let adversaries try to gain by cheating, on the real rules')
    .argument('<scenario>', 'its name, or all')
    .option('--seed <number>', 'the first seed', wholeNumber(1, 2 ** 31), 1)
    .option('--seeds <count>', 'how many seeds', wholeNumber(1, 1_000), 1)
    .option('--epochs <count>', 'length of each run', wholeNumber(2, 1_000_000), 200)
    .option('--agents <count>', 'customers and delegators', wholeNumber(2, 100_000), 1_000)
    .addOption(new Option('--from <file>', 'outcomes that --json printed, instead of running'))
    .option('--output <file>', 'write a report with plots, .html or .md')
    .option('--json', 'print a JSON line for each run')
    .addHelpText('after', examples)
    .action((name: string, flags: Flags) => simulate(name, flags, io))
}

async function simulate(name: string, flags: Flags, io: Io): Promise<void> {
  const { scenarios } = await import('../../simulate/scenarios.ts')
  const { summarise } = await import('../../simulate/summary.ts')
  const chosen = name === 'all' ? scenarios : scenarios.filter((one) => one.name === name)
  if (chosen.length === 0)
    return fail({
      what: `there is no scenario ${name}`,
      why: `known are ${scenarios.map((one) => one.name).join(', ')}`,
      next: 'choose one of them, or all',
      exitCode: ExitCode.Usage,
    })
  const outcomes =
    flags.from === undefined ? await runAll(chosen, flags, io) : await readOutcomes(flags.from)
  const summaries = chosen.flatMap((scenario) => {
    const own = outcomes.filter((outcome) => outcome.scenario === scenario.name)
    return own.length === 0 ? [] : [summarise(scenario, own)]
  })
  if (flags.json !== true) show(summaries, io)
  if (flags.output !== undefined) await writeReport(flags.output, summaries, flags)
}

async function runAll(
  chosen: readonly Scenario[],
  flags: Flags,
  io: Io,
): Promise<readonly Outcome[]> {
  const { runScenario } = await import('../../simulate/scenario.ts')
  const genesis = orFail(
    parseGenesis(await readFile(packagedGenesis, 'utf8')),
    'the packaged genesis is damaged',
    'install waggle again',
  )
  const report = createReport(io, flags)
  const outcomes: Outcome[] = []
  const { seed, seeds, epochs, agents } = flags
  for (let at = seed; at < seed + seeds; at++)
    for (const scenario of chosen) {
      if (io.stopped.aborted) return outcomes
      const options = { params: genesis.params, seed: at, epochs, agents }
      const outcome = await runScenario(scenario, options)
      outcomes.push(outcome)
      const percent = (100 * outcome.relativeProfit).toFixed(1)
      report.note(`${scenario.name}, seed ${at}: ${percent} %`)
      if (flags.json === true) report.result(outcome, () => '')
    }
  return outcomes
}

async function readOutcomes(file: string): Promise<readonly Outcome[]> {
  const { parseOutcome } = await import('../../simulate/outcome.ts')
  const refuse = (why: string) =>
    fail({
      what: `cannot read outcomes from ${file}`,
      why,
      next: 'name a file that `waggle simulate … --json` has written',
    })
  const text = await readFile(file, 'utf8').catch((error: Error) => refuse(error.message))
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line, i) => parseOutcome(line) ?? refuse(`line ${i + 1} is no outcome`))
}

function show(summaries: readonly Summary[], io: Io): void {
  const percent = (part: number) => `${(100 * part).toFixed(1)} %`
  for (const { scenario, course } of summaries) {
    io.out(`${scenario}: relative profit in thousandths, epoch by epoch\n`)
    io.out(
      curve(
        course.map((value) => 1_000 * value),
        Math.min(60, io.columns - 12),
        4,
      ),
    )
  }
  const rows = summaries.map(({ scenario, seeds, profit, ahead }) => [
    scenario,
    percent(profit.mean),
    seeds > 1 ? `${percent(profit.low)} to ${percent(profit.high)}` : 'one seed',
    `${ahead} of ${seeds}`,
  ])
  io.out(table(io, ['scenario', 'relative profit', '95 % interval', 'seeds ahead'], rows))
}

async function writeReport(file: string, summaries: readonly Summary[], flags: Flags) {
  const { reportPage, reportTable } = await import('../../simulate/plots.ts')
  await writeFile(
    file,
    file.endsWith('.md') ? reportTable(summaries) : reportPage(summaries, flags.epochs),
  )
}
