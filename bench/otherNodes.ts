/**
 * Other development nodes, to compare with: anvil and Hardhat's, as npm has them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePorts } from '../cli/devnet.ts'

export type OtherNode = { readonly url: string; readonly stop: () => Promise<void> }

const anvilProgram = resolve('node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil')
const hardhatProgram = resolve('node_modules/hardhat/dist/src/cli.js')

/** Anvil mining each transaction at once. Its accounts are those of the devnet's mnemonic. */
export async function openAnvil(flags: readonly string[] = []): Promise<OtherNode> {
  const [port] = (await freePorts(1)) as [number]
  const args = ['--port', String(port), '--silent', '--hardfork', 'osaka', ...flags]
  const child = spawn(anvilProgram, args, { stdio: 'ignore' })
  return answering(child, `http://127.0.0.1:${port}`)
}

/** Hardhat's node mining each transaction at once, with the same accounts. */
export async function openHardhat(): Promise<OtherNode> {
  const [port] = (await freePorts(1)) as [number]
  const folder = await mkdtemp(join(tmpdir(), 'waggle-hardhat-'))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  // Hardhat refuses to run from anywhere but below its folder of settings.
  await symlink(resolve('node_modules'), join(folder, 'node_modules'))
  const network = "{ type: 'edr-simulated', chainType: 'l1', loggingEnabled: false }"
  await writeFile(
    join(folder, 'hardhat.config.js'),
    `export default { networks: { node: ${network} } }`,
  )
  const env = { ...process.env, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true' }
  const args = [hardhatProgram, 'node', '--port', String(port), '--hostname', '127.0.0.1']
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: 'ignore' })
  const node = await answering(child, `http://127.0.0.1:${port}`)
  const stop = async () => {
    await node.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { ...node, stop }
}

/** Resolves once the node at `url` answers. */
async function answering(child: ChildProcess, url: string): Promise<OtherNode> {
  const ended = new Promise<void>((done) => {
    child.once('exit', () => done())
  })
  const stop = async () => {
    child.kill()
    await ended
  }
  const deadline = performance.now() + 60_000
  while (!(await answers(url))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop()
      throw new Error(`no node answers at ${url}`)
    }
    await new Promise((again) => setTimeout(again, 100))
  }
  return { url, stop }
}

async function answers(url: string): Promise<boolean> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body }).catch(() => null)
  return response?.ok === true
}
