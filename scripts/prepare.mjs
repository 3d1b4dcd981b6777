// Builds what is generated: each folder `assembly/NAME` with an `index.ts` becomes `dist/wasm/NAME.wasm`,
// and `explorer/` becomes `dist/explorer`.
// Idempotent and quick (skips what is up to date by content); runs after `npm install` and `npm ci`.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { digestOf, isCurrent } from './digest.mjs'
import { buildExplorer } from './explorer.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const assembly = join(root, 'assembly')
const output = join(root, 'dist', 'wasm')

// Shared memory up to 4 GiB, imported, so that threads work on one set of buffers. A folder may replace
// these by its own `flags.json`, a list of compiler arguments.
const defaultFlags = [
  ...['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd,threads'],
  ...['--importMemory', '--sharedMemory', '--initialMemory', '16', '--maximumMemory', '65536'],
]

mkdirSync(output, { recursive: true })
const names = readdirSync(assembly, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(assembly, entry.name, 'index.ts')))
  .map((entry) => entry.name)
const compiler = join(root, 'node_modules/assemblyscript/package.json')
if (existsSync(compiler)) for (const name of names) await build(name)
else process.stderr.write('assemblyscript is not installed; dist/wasm stays as it is\n')
await buildExplorer(root)

async function build(name) {
  const flags = flagsOf(name)
  const { version } = JSON.parse(readFileSync(compiler, 'utf8'))
  const digest = digestOf(root, sourcesOf(name), [flags, version])
  const target = join(output, `${name}.wasm`)
  const stamp = join(output, `${name}.digest`)
  if (isCurrent(target, stamp, digest)) return
  const started = performance.now()
  const { default: asc } = await import('assemblyscript/asc')
  // A name of our own, then a rename: two runs at once must not tear a file.
  const part = `${name}.${process.pid}.part.wasm`
  const args = [join('assembly', name, 'index.ts'), '-o', join('dist', 'wasm', part), ...flags]
  const { error, stderr } = await asc.main([...args, '--baseDir', root])
  if (error !== null) {
    process.stderr.write(stderr.toString())
    rmSync(join(output, part), { force: true })
    throw error
  }
  renameSync(join(output, part), target)
  writeFileSync(stamp, digest)
  process.stdout.write(
    `built dist/wasm/${name}.wasm in ${Math.round(performance.now() - started)} ms\n`,
  )
}

function flagsOf(name) {
  const file = join(assembly, name, 'flags.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : defaultFlags
}

/** The files that a module is made of. */
function sourcesOf(name) {
  return readdirSync(join(assembly, name), { recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(assembly, name, file))
}
