/** What a developer does with Foundry: `cast`, `forge` and `anvil`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import {
  createTestClient,
  createWalletClient,
  http,
  parseEther,
  publicActions,
  walletActions,
} from 'viem'
import { it } from 'vitest'
import { freePorts } from '../../cli/devnet.ts'
import { foundry, hasFoundry, type LiveNode, startProgram } from './liveNode.ts'

const run = promisify(execFile)

/** Register the stories; each has an account of its own, so they run beside each other. */
export function foundryStories(node: () => LiveNode): void {
  it.runIf(hasFoundry)('cast deploys, sends, is refused, and steps through', async () => {
    const { key, account } = node().purse()
    const cast = async (...args: readonly string[]) => {
      const env = { ETH_RPC_URL: node().http, FOUNDRY_DISABLE_NIGHTLY_WARNING: '1' }
      return (await run(foundry('cast'), args, { env })).stdout.trim()
    }
    const send = async (...args: readonly string[]) =>
      JSON.parse(await cast('send', '--json', '--private-key', key, ...args)) as {
        readonly status: string
        readonly contractAddress: string
        readonly transactionHash: string
        readonly blockNumber: string
      }
    const made = await send(
      ...['--create', node().comb.bytecode, 'constructor(address)', account.address],
    )
    const comb = made.contractAddress
    assert.equal(await cast('call', comb, 'keeper()(address)'), account.address)
    const signature = 'fill(uint256,string)'
    const { transactionHash: hash } = await send(comb, signature, '3', 'cast')
    const refused = cast('call', '--from', account.address, comb, signature, '3', 'again')
    await assert.rejects(refused, /execution reverted/)
    const reverted = await send('--gas-limit', '200000', comb, signature, '3', 'again').catch(
      (error: { readonly stdout: string }) => JSON.parse(error.stdout) as { status: string },
    )
    assert.equal(reverted.status, '0x0')
    assert.match(await cast('run', hash), /emit|Filled|Transaction successfully executed/)
    assert.match(await cast('tx', hash, 'from'), new RegExp(account.address, 'i'))
    assert.match(await cast('access-list', comb, 'filled()'), /access list/)
    const trace = JSON.parse(
      await cast('rpc', 'debug_traceTransaction', hash, '{"tracer":"callTracer"}'),
    )
    assert.equal(trace.type, 'CALL')
    const storage = await cast('storage', comb, '0')
    assert.equal(BigInt(storage), 1n)
  })

  it.runIf(hasFoundry)('forge tests against a fork, scripts and creates', async () => {
    const { key, account } = node().purse()
    const folder = await mkdtemp(join(tmpdir(), 'waggle-forge-'))
    try {
      await cp('test/clients/forge', folder, { recursive: true })
      await cp('test/clients/contracts/Comb.sol', join(folder, 'src', 'Comb.sol'))
      const env = { PATH: process.env.PATH, HOME: folder, RICH: account.address }
      const forge = async (command: string, ...args: readonly string[]) => {
        const common = ['--offline', '--use', resolve('test/clients/solc.mjs'), '--root', folder]
        const program = resolve(foundry('forge'))
        return (await run(program, [command, ...common, ...args], { env, cwd: folder })).stdout
      }
      const tested = await forge('test', '--fork-url', node().http, '--no-storage-caching')
      assert.match(tested, /2 tests passed, 0 failed/)
      const wallet = ['--rpc-url', node().http, '--broadcast', '--private-key', key]
      const scripted = await forge('script', 'script/Fill.s.sol:Fill', ...wallet)
      assert.match(scripted, /ONCHAIN EXECUTION COMPLETE & SUCCESSFUL/)
      const args = ['--constructor-args', account.address]
      const created = await forge('create', 'src/Comb.sol:Comb', ...wallet, ...args)
      assert.match(created, /Deployed to: 0x[0-9a-fA-F]{40}/)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it.runIf(hasFoundry)('anvil forks the chain and goes its own way', async () => {
    const { account } = node().purse()
    const { chain, comb } = node()
    const wallet = createWalletClient({
      account,
      chain,
      transport: http(),
      pollingInterval: 100,
    }).extend(publicActions)
    const hash = await wallet.deployContract({ ...comb, args: [account.address] })
    const { contractAddress } = await wallet.waitForTransactionReceipt({ hash })
    const target = { address: contractAddress!, abi: comb.abi } as const
    const fill = { ...target, functionName: 'fill', args: [1n, 'before'] } as const
    const filled = await wallet.writeContract(fill)
    const { blockNumber } = await wallet.waitForTransactionReceipt({ hash: filled })

    const [port] = await freePorts(1)
    const flags = ['--fork-url', node().http, '--port', String(port), '--no-storage-caching']
    const anvil = await startProgram(foundry('anvil'), flags, /Listening on/)
    try {
      const transport = http(`http://127.0.0.1:${port}`)
      const fork = createTestClient({ mode: 'anvil', chain, transport, pollingInterval: 50 })
        .extend(publicActions)
        .extend(walletActions)
      assert.equal(await fork.getChainId(), chain.id)
      assert.ok((await fork.getBlockNumber()) >= blockNumber)
      const cell = { ...target, functionName: 'ownerOf', args: [1n] } as const
      assert.equal(await fork.readContract(cell), account.address)
      const receipt = await fork.getTransactionReceipt({ hash: filled })
      assert.deepEqual([receipt.status, receipt.blockNumber], ['success', blockNumber])

      await fork.impersonateAccount({ address: account.address })
      await fork.setBalance({ address: account.address, value: parseEther('5000') })
      const another = { ...fill, args: [2n, 'on the fork'] } as const
      const own = await fork.writeContract({ ...another, account: account.address })
      assert.equal((await fork.waitForTransactionReceipt({ hash: own })).status, 'success')
      const second = { ...target, functionName: 'ownerOf', args: [2n] } as const
      assert.equal(await fork.readContract(second), account.address)
      assert.match(String(await wallet.readContract(second)), /^0x0{40}$/)
    } finally {
      await anvil.stop()
    }
  })
}
