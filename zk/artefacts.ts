/**
 * What proving needs, made from the sources on first use and kept in `dist/zk`: the compiled circuit
 * and the devnet's proving key. Made anew when a source, the compiler or the setup changes; always the
 * same bytes.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { plonk } from 'snarkjs'
import { type CircuitName, circuits } from './circuits.ts'
import { devnetGroth16, devnetPowers } from './devnetSetup.ts'
import { type FixedBase, openFixedBase } from './fixedBase.ts'
import { parseR1cs } from './r1cs.ts'
import type { Protocol } from './verifier.ts'

/** Paths of what was made. */
export type Compiled = {
  readonly r1cs: string
  /** Names of the wires. */
  readonly sym: string
  /** Computes a witness from inputs. */
  readonly wasm: string
}

export type Artefacts = Compiled & { readonly zkey: string }

/** The public text from which the devnet's secrets follow. */
export const devnetSeed = 'waggle devnet'

/** A change here makes every cached file anew. */
const setupVersion = 'v1'

const root = join(import.meta.dirname, '..')
const sources = join(root, 'circuits')
const cache = join(root, 'dist', 'zk')
const require = createRequire(import.meta.url)

/** Powers of tau that a PLONK setup of up to 2^12 gates reads. */
const plonkLog = 12

let bases: Promise<FixedBase> | undefined

/** The compiled circuit; 2 to 6 seconds the first time. */
export async function compiledCircuit(name: CircuitName): Promise<Compiled> {
  const { source } = circuits[name]
  const folder = join(cache, `${source}-${(await sourceDigest(name)).slice(0, 16)}`)
  const made = {
    r1cs: join(folder, `${source}.r1cs`),
    sym: join(folder, `${source}.sym`),
    wasm: join(folder, `${source}_js`, `${source}.wasm`),
  }
  if (await exists(made.wasm)) return made
  await forgetOlder(source, folder)
  await whole(folder, (part) => compile(name, part))
  return made
}

/** The compiled circuit and the devnet's proving key; DEVNET ONLY, see `devnetSetup.ts`. */
export async function devnetArtefacts(
  name: CircuitName,
  protocol: Protocol = 'groth16',
): Promise<Artefacts> {
  const compiled = await compiledCircuit(name)
  const zkey = join(dirname(compiled.r1cs), `${protocol}.zkey`)
  if (!(await exists(zkey)))
    await whole(zkey, (part) =>
      protocol === 'groth16' ? setUpGroth16(compiled, part) : setUpPlonk(compiled, part),
    )
  return { ...compiled, zkey }
}

async function setUpGroth16({ r1cs }: Compiled, zkey: string): Promise<void> {
  bases ??= openFixedBase()
  const circuit = parseR1cs(new Uint8Array(await readFile(r1cs)))
  await writeFile(zkey, devnetGroth16(await bases, circuit, devnetSeed))
}

async function setUpPlonk({ r1cs }: Compiled, zkey: string): Promise<void> {
  bases ??= openFixedBase()
  const powers = `${zkey}.ptau`
  await writeFile(powers, devnetPowers(await bases, plonkLog, devnetSeed))
  const refused: unknown = await plonk.setup(r1cs, powers, zkey)
  await rm(powers)
  if (refused === -1) throw new Error(`the circuit has more than 2^${plonkLog} gates`)
}

async function compile(name: CircuitName, folder: string): Promise<void> {
  const { source, simplification } = circuits[name]
  const library = join(dirname(require.resolve('circomlib/package.json')), 'circuits')
  const compiler = join(dirname(require.resolve('circom2/package.json')), 'cli.js')
  await mkdir(folder, { recursive: true })
  await run(process.execPath, [
    compiler,
    join(sources, `${source}.circom`),
    ...['--r1cs', '--wasm', '--sym', `--O${simplification}`],
    ...['-l', library, '-o', folder],
  ])
}

/** Over everything that decides the result: sources, compiler, library, level, setup. */
async function sourceDigest(name: CircuitName): Promise<string> {
  const hash = createHash('sha256')
  const { source, simplification } = circuits[name]
  const versions = ['circom2', 'circomlib'].map(
    (library) => (require(`${library}/package.json`) as { readonly version: string }).version,
  )
  hash.update(JSON.stringify([versions, simplification, setupVersion, devnetSeed]))
  const library = await readdir(join(sources, 'lib'))
  for (const file of [`${source}.circom`, ...library.sort().map((one) => join('lib', one))])
    hash.update(`\n${file}\n`).update(await readFile(join(sources, file)))
  return hash.digest('hex')
}

/** Make `path` under a name of our own, then rename: two processes at once must not tear it. */
async function whole(path: string, make: (part: string) => Promise<void>): Promise<void> {
  const part = `${path}.${process.pid}.part`
  try {
    await make(part)
    await rename(part, path)
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    if (!(await exists(path))) throw error
  }
}

/** Remove what was made from older sources. */
async function forgetOlder(source: string, folder: string): Promise<void> {
  await mkdir(cache, { recursive: true })
  for (const name of await readdir(cache))
    if (new RegExp(`^${source}-[0-9a-f]{16}$`).test(name) && join(cache, name) !== folder)
      await rm(join(cache, name), { recursive: true, force: true })
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** @throws {Error} with what the program said, if it fails. */
function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    const hear = (chunk: Uint8Array) => {
      said = `${said}${new TextDecoder().decode(chunk)}`.slice(-4_000)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`circom2 ended with ${code}: ${said}`)),
    )
  })
}
