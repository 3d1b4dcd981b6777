#!/usr/bin/env node
/**
 * The `waggle` command: runs `main.ts` on a Node.js that can, which is the calling one if it is new
 * enough and the one that came with the installation otherwise.
 *
 * Killing this wrapper with SIGKILL leaves the child: services should start `node cli/main.ts` itself.
 */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const leastMajor = 24
const unavailable = 69
const guard = 'WAGGLE_REEXEC'

const main = join(dirname(fileURLToPath(import.meta.url)), 'main.ts')
const major = Number(process.versions.node.split('.')[0])

if (major >= leastMajor) {
  const { runProcess } = await import('./main.ts')
  await runProcess()
} else if (process.env[guard] === '1') {
  refuse(`this is still Node.js ${process.versions.node}`)
} else {
  runUnder(bundledNode())
}

/** Path of the pinned Node.js for this machine. */
function bundledNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const binary = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
  const name = `node-${platform}-${process.arch}`
  try {
    return createRequire(import.meta.url).resolve(`${name}/${binary}`)
  } catch {
    return refuse(`the package ${name} is not installed`)
  }
}

function runUnder(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, [guard]: '1' },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      // The terminal has sent SIGINT to the child too, which treats a second one as impatience.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  child.on('error', (error) => refuse(error.message))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
}

function refuse(why) {
  process.stderr.write(
    `error: waggle needs Node.js ${leastMajor} or newer\n  why:  ${why}\n  next: Run: npm ci\n`,
  )
  process.exit(unavailable)
}
