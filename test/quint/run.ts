/**
 * Runs Quint on the models of this folder, with the backend that needs nothing but Node.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const here = import.meta.dirname
const cli = join(here, '../../node_modules/@informalsystems/quint/dist/src/cli.js')
const preload = pathToFileURL(join(here, 'antlr.ts')).href

/** What Quint printed. @throws {Error} with what it printed if it found a fault. */
async function quint(command: string, model: string, flags: readonly string[]): Promise<string> {
  const all = [command, '--backend=typescript', ...flags, join(here, `${model}.qnt`)]
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--import', preload, cli, ...all], {
    maxBuffer: 2 ** 26,
  }).catch((error: { readonly stdout?: string; readonly stderr?: string }) => {
    throw new Error(`quint ${command} ${model}: ${error.stdout ?? ''}${error.stderr ?? ''}`)
  })
  return stdout
}

/** Run the scenarios of a model. They have no choices, so once is enough. */
export function runScenarios(model: string): Promise<string> {
  return quint('test', model, ['--max-samples=1', '--verbosity=3'])
}

/** Random traces of a model that keep its invariant, as ITF. */
export async function randomTraces(
  model: string,
  {
    seed,
    traces,
    steps,
  }: { readonly seed: number; readonly traces: number; readonly steps: number },
): Promise<readonly unknown[]> {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-quint-'))
  try {
    await quint('run', model, [
      '--invariant=safety',
      `--seed=0x${seed.toString(16)}`,
      `--max-steps=${steps}`,
      `--max-samples=${traces}`,
      `--n-traces=${traces}`,
      `--out-itf=${join(folder, '{seq}.itf.json')}`,
      '--verbosity=1',
    ])
    const files = (await readdir(folder)).toSorted()
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
    return texts.map((text) => JSON.parse(text) as unknown)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
