// Builds `explorer/` into `dist/explorer`, unless what is there was made of the same sources.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf, isCurrent } from './digest.mjs'

/** Folders that the pages are made of; whatever else these import is among them. */
const sources = ['explorer', 'client', 'primitives', 'params', 'registry', 'compute', 'proof']
const more = ['chain', 'consensus', 'vm/modules', 'rpc', 'zk', 'circuits']

/** @param root - the repository. Needs `dist/wasm/proof.wasm` and the packages that `explorer` uses. */
export async function buildExplorer(root) {
  const vite = join(root, 'node_modules/vite/package.json')
  const wasm = join(root, 'dist/wasm/proof.wasm')
  if (!existsSync(vite) || !existsSync(wasm)) {
    process.stderr.write('vite is not installed; dist/explorer stays as it is\n')
    return
  }
  const output = join(root, 'dist/explorer')
  const stamp = join(root, 'dist/explorer.digest')
  const digest = digestOf(root, [...sourcesOf(root), vite, wasm, import.meta.filename], [])
  if (isCurrent(join(output, 'index.html'), stamp, digest)) return
  const started = performance.now()
  makePageCircuits(root)
  // A name of our own, then a rename: two runs at once must not tear a file.
  const part = join(root, `dist/explorer.${process.pid}.part`)
  mkdirSync(join(root, 'dist'), { recursive: true })
  const { build } = await import('vite')
  await build(optionsOf(root, part))
  rmSync(output, { recursive: true, force: true })
  renameSync(part, output)
  writeFileSync(stamp, digest)
  process.stdout.write(`built dist/explorer in ${Math.round(performance.now() - started)} ms\n`)
}

function optionsOf(root, outDir) {
  return {
    configFile: false,
    root: join(root, 'explorer'),
    logLevel: 'warn',
    worker: { format: 'es' },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
      // The content policy of the node allows no inline code, hence no inlined files either.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 600,
    },
  }
}

/** What the pages prove with, in `dist/zk/pages`; made by a Node.js that runs TypeScript. */
function makePageCircuits(root) {
  const bundled = join(root, 'node_modules/.bin/node')
  const isNew = Number(process.versions.node.split('.')[0]) >= 24
  const program = isNew || !existsSync(bundled) ? process.execPath : bundled
  execFileSync(program, [join(root, 'scripts/pageCircuits.ts')], { cwd: root, stdio: 'inherit' })
}

/** The files that the pages are made of. */
function sourcesOf(root) {
  return [...sources, ...more].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .map((name) => join(root, folder, name))
      .filter((path) => /\.(tsx?|css|html|svg|json|circom)$/.test(path)),
  )
}
