/**
 * `node bench/main.ts NAME [--json] [--only TEXT] [--case CASE]… [--quick] [--backend NAME]`: run
 * one benchmark. Without a name it lists them.
 *
 * A benchmark reports rows `{case, metric, value, unit}` as it measures them. To add one, write
 * `bench/NAME.ts` with a `benchmark` and name it below.
 */
import { parseArgs } from 'node:util'

export type Row = {
  /** What was measured, in slashes: shape, batch, backend. */
  readonly case: string
  readonly metric: string
  readonly value: number
  readonly unit: string
}

export type Benchmark = {
  /** One line for the list. */
  readonly summary: string
  /**
   * @param wanted - whether a case is to be measured at all. @param quick - a subset will do.
   * @param backend - what to measure on, where a benchmark has a choice; `null`: its default.
   */
  readonly run: (
    report: (row: Row) => void,
    wanted: (name: string) => boolean,
    quick: boolean,
    backend: string | null,
  ) => Promise<void>
}

const benchmarks: Readonly<Record<string, () => Promise<{ readonly benchmark: Benchmark }>>> = {
  proof: () => import('./proof.ts'),
  train: () => import('./train.ts'),
  chain: () => import('./chain.ts'),
  consensus: () => import('./consensus.ts'),
  rpc: () => import('./rpc.ts'),
  snapshot: () => import('./snapshot.ts'),
  vm: () => import('./vm.ts'),
  zk: () => import('./zk.ts'),
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    /** One JSON array of rows on stdout, nothing else. */
    json: { type: 'boolean', default: false },
    /** Only cases whose name contains this. */
    only: { type: 'string', default: '' },
    /** Only cases of these names. */
    case: { type: 'string', multiple: true, default: [] },
    /** A subset, where a benchmark has one. */
    quick: { type: 'boolean', default: false },
    /** Where a benchmark has a choice: `proof` has wasm and webgpu. */
    backend: { type: 'string' },
  },
})
process.exitCode = await main(positionals[0], values)

async function main(
  name: string | undefined,
  {
    json,
    only,
    case: cases,
    quick,
    backend = null,
  }: Omit<typeof values, 'backend'> & { backend?: string | null },
): Promise<number> {
  if (name === undefined) {
    process.stdout.write(await list())
    return 0
  }
  const load = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined
  if (load === undefined) {
    process.stderr.write(`no benchmark ${JSON.stringify(name)}; there are:\n${await list()}`)
    return 2
  }
  let rows = 0
  // As they come: a run that is cut short has told what it measured.
  const report = (row: Row) => {
    const opening = rows++ === 0 ? '[\n  ' : ',\n  '
    process.stdout.write(json ? `${opening}${JSON.stringify(row)}` : lineOf(row))
  }
  const wanted = (text: string) =>
    text.includes(only) && (cases.length === 0 || cases.includes(text))
  await (await load()).benchmark.run(report, wanted, quick, backend)
  if (json) process.stdout.write(rows === 0 ? '[]\n' : '\n]\n')
  return 0
}

async function list(): Promise<string> {
  const lines = Object.entries(benchmarks).map(async ([name, load]) => {
    const { benchmark } = await load()
    return `  ${name.padEnd(12)} ${benchmark.summary}\n`
  })
  return (await Promise.all(lines)).join('')
}

function lineOf(row: Row): string {
  const value = Number.isInteger(row.value) ? String(row.value) : row.value.toFixed(3)
  return `${row.case.padEnd(44)} ${row.metric.padEnd(12)} ${value.padStart(12)} ${row.unit}\n`
}
