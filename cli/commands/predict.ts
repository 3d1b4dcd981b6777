/**
 * `waggle predict`: what a pulled model says, without a node.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Backend, Rows } from '../../compute/backend.ts'
import { type Dataset, readRows } from '../../compute/dataset.ts'
import { openDataset } from '../../compute/datasetFile.ts'
import { addScores, predictions, type Score, score } from '../../compute/evaluate.ts'
import { openBackend } from '../../compute/selfTest.ts'
import { wholeNumber } from '../arguments.ts'
import { addSourceOptions, openSource, type SourceFlags } from '../datasetSource.ts'
import { diskFailure, ExitCode, fail, orFail } from '../failure.ts'
import { percentText } from '../format.ts'
import type { Io } from '../io.ts'
import { decodeModel, type Model } from '../modelFile.ts'
import { startProgress } from '../progress.ts'
import { createReport } from '../report.ts'
import { readScaling, type Scaling, scaleRow } from '../scaling.ts'
import { fields } from '../table.ts'

type Flags = SourceFlags & { readonly row?: number; readonly json?: true }

const examples = `
Examples:
  $ waggle predict digits.waggle mnist-test               accuracy on all rows
  $ waggle predict digits.waggle mnist-test --row 7       one row: its class and the model's outputs
  $ waggle predict iris.waggle 5.1,3.5,1.4,0.2 --scaling iris.scaling
  $ waggle predict iris.waggle -20,35,-90,-127            features scaled already
  $ waggle predict iris.waggle test.csv --labels species --scaling iris.scaling

Runs on this machine with the exact integers of training; no node is asked.`

/** Rows of one forward pass. */
const chunkRows = 256

export function addPredict(program: Command, io: Io): void {
  const command = program
    .command('predict')
    .description('run a model on rows')
    .argument('<model>', 'file that waggle model pull made')
    .argument('<input>', 'numbers with commas, mnist-test, or a CSV, NPY or dataset file')
    .option('--row <index>', 'only this row of the input', wholeNumber(0, 2 ** 32 - 1))
    .option('--json', 'print a JSON line')
  addSourceOptions(command)
    .addHelpText('after', examples)
    .action((model: string, input: string, flags: Flags) => predict(model, input, flags, io))
}

async function predict(path: string, input: string, flags: Flags, io: Io): Promise<void> {
  const model = await readModel(path)
  const { backend } = await openBackend('wasm', 1)
  try {
    if (isNumbers(input)) await predictNumbers(model, backend, input, flags, io)
    else await predictSource(model, backend, input, flags, io)
  } finally {
    await backend.close()
  }
}

/** One row from the command line: int8 as it is, or scaled like the rows of training. */
async function predictNumbers(
  model: Model,
  backend: Backend,
  input: string,
  flags: Flags,
  io: Io,
): Promise<void> {
  const scaling = flags.scaling === undefined ? null : await readScaling(flags.scaling)
  const numbers = scaling === null ? input.split(',').map(Number) : scaleRow(input, scaling)
  const rows = rowOf(model, numbers)
  await predictRow(
    model,
    backend,
    rows,
    { classes: classNames(scaling), isKnown: false },
    flags,
    io,
  )
}

async function predictSource(
  model: Model,
  backend: Backend,
  input: string,
  flags: Flags,
  io: Io,
): Promise<void> {
  const source = await openSource(input, flags)
  try {
    const dataset = orFail(openDataset(source.path), `cannot read ${input}`, 'import it again')
    checkFit(model, dataset)
    if (flags.row === undefined) await predictAll(model, backend, dataset, flags, io)
    else {
      const next = `the rows are 0 to ${dataset.rows - 1}`
      const rows = orFail(readRows(dataset, [flags.row]), `cannot read row ${flags.row}`, next)
      const meaning = { classes: classNames(source.scaling), isKnown: true }
      await predictRow(model, backend, rows, meaning, flags, io)
    }
    dataset.close()
  } finally {
    await source.close()
  }
}

function checkFit({ job }: Model, { features }: Dataset): void {
  if (features === job.layers[0]) return
  fail({
    what: 'the rows do not fit the model',
    why: `they have ${features} features, the model takes ${job.layers[0]}`,
    next: 'choose the input that the model was trained for',
  })
}

async function predictAll(
  model: Model,
  backend: Backend,
  dataset: Dataset,
  flags: Flags,
  io: Io,
): Promise<void> {
  const { rows, correct, loss } = await scoreAll(model, backend, dataset, io)
  const result = { rows, correct, accuracy: correct / rows, loss, commitment: model.commitment }
  createReport(io, flags).result(result, () =>
    fields(io, [
      ['accuracy', `${percentText(correct, rows)}, ${correct} of ${rows} rows`],
      ['loss', `${(Number(loss) / rows).toFixed(1)} a row`],
    ]),
  )
}

async function scoreAll(
  { job, state }: Model,
  backend: Backend,
  dataset: Dataset,
  io: Io,
): Promise<Score> {
  const progress = startProgress(io, { label: 'predict', total: dataset.rows, unit: 'rows' })
  const session = await backend.open(job, state)
  try {
    let sum: Score = { rows: 0, correct: 0, loss: 0n }
    while (sum.rows < dataset.rows && !io.stopped.aborted) {
      const length = Math.min(chunkRows, dataset.rows - sum.rows)
      const indices = Uint32Array.from({ length }, (_, i) => sum.rows + i)
      const rows = orFail(readRows(dataset, indices), 'the rows are damaged', 'import them again')
      sum = addScores(sum, score(await session.outputs(rows), rows, job.layers.at(-1)!))
      progress.update(sum.rows)
    }
    return sum
  } finally {
    await session.close()
    progress.end()
  }
}

type Meaning = {
  /** Texts of the classes, if the import knew them. */
  readonly classes: readonly string[] | null
  /** Whether the row's label is its true class. */
  readonly isKnown: boolean
}

async function predictRow(
  { job, state, commitment }: Model,
  backend: Backend,
  rows: Rows,
  { classes, isKnown }: Meaning,
  flags: Flags,
  io: Io,
): Promise<void> {
  const session = await backend.open(job, state)
  const outputs = await session.outputs(rows)
  await session.close()
  const predicted = predictions(outputs, job.layers.at(-1)!)[0]!
  const actual = isKnown ? rows.labels[0]! : null
  const named = (at: number) => classes?.[at] ?? String(at)
  const text = { label: named(predicted), actual: actual === null ? null : named(actual) }
  const result = { class: predicted, ...text, outputs: [...outputs], commitment }
  createReport(io, flags).result(result, () =>
    fields(io, [
      ['class', text.label],
      ...(text.actual === null ? [] : [['truth', text.actual] as const]),
      ['outputs', [...outputs].join(' ')],
    ]),
  )
}

function classNames(scaling: Scaling | null): readonly string[] | null {
  return scaling?.format === 'csv' ? scaling.labels : null
}

async function readModel(path: string): Promise<Model> {
  const next = 'pull one with `waggle model pull JOB -o FILE`'
  const bytes = await readFile(path).catch((error: unknown) => {
    throw diskFailure(error, `cannot read the model ${path}`, next)
  })
  return orFail(decodeModel(Uint8Array.from(bytes)), `${path} is no model`, next)
}

/** `1,-2,3.5`, unless a file is called so. */
function isNumbers(input: string): boolean {
  return /^-?\d+(\.\d+)?(,-?\d+(\.\d+)?)*$/.test(input) && !existsSync(input)
}

function rowOf({ job }: Model, numbers: readonly number[]): Rows {
  const wrong = numbers.find((number) => !Number.isInteger(number) || Math.abs(number) > 127)
  const why =
    numbers.length !== job.layers[0]
      ? `it has ${numbers.length} numbers, the model takes ${job.layers[0]}`
      : wrong === undefined
        ? null
        : `${wrong} is no whole number from -127 to 127`
  if (why !== null)
    return fail({
      what: 'the input does not fit the model',
      why,
      next: 'give one such number for each feature, or any numbers with --scaling FILE',
      exitCode: ExitCode.Usage,
    })
  return { count: 1, features: Int8Array.from(numbers), labels: new Uint32Array(1) }
}
