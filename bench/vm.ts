/**
 * How long the worst transactions would hold a node that did not stop them: each loop of `loops.ts`
 * spends an eighth of the largest transaction's gas (EIP-7825) on the state of a new devnet. `ms` is
 * processor time for the whole of it; `longest_ms` the longest that none asked whether time is over.
 */
import { readFile } from 'node:fs/promises'
import { createChain } from '../chain/chain.ts'
import { packagedGenesis } from '../cli/dataDir.ts'
import { devnetGenesis } from '../cli/devnetGenesis.ts'
import { chainRules } from '../node/rules.ts'
import { parseGenesis } from '../params/genesis.ts'
import { fromHex } from '../primitives/bytes.ts'
import { hashFromBytes } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import { openMemory } from '../storage/memory.ts'
import { createChainVm } from '../vm/chainVm.ts'
import { openState } from '../vm/stateStore.ts'
import { maxTransactionGas } from '../vm/transaction.ts'
import { ethAddress } from '../vm/worldView.ts'
import { type Loop, worstLoops } from './loops.ts'
import type { Benchmark } from './main.ts'

/** Of the gas, so that all loops together take a minute or two. */
const share = 8n

const home = ethAddress(`0x${'c0'.repeat(20)}` as never)

export const benchmark: Benchmark = {
  summary: 'the worst transaction of each instruction, precompile and module',
  async run(report, wanted) {
    const chain = await openDevnetChain()
    for (const loop of worstLoops()) {
      if (!wanted(loop.name)) continue
      const { ms, longestMs } = await spend(chain, loop)
      report({ case: loop.name, metric: 'ms', value: ms, unit: 'ms' })
      report({ case: loop.name, metric: 'longest_ms', value: longestMs, unit: 'ms' })
    }
  },
}

async function openDevnetChain() {
  const text = devnetGenesis(await readFile(packagedGenesis, 'utf8'), 4, { firstJob: false })
  const genesis = parseGenesis(text)
  invariant(genesis.ok, 'the packaged genesis parses')
  return createChain(openMemory(), genesis.value, await chainRules(genesis.value))
}

async function spend(chain: Awaited<ReturnType<typeof openDevnetChain>>, loop: Loop) {
  const { engine } = chain.rules
  const { header, states, stateRoot } = chain.head()
  const { state } = await openState(engine.common, states, stateRoot)
  const now = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  }
  let longestMs = 0
  let last = now()
  const expired = () => {
    const at = now()
    longestMs = Math.max(longestMs, at - last)
    last = at
    return false
  }
  const context = {
    height: 1n,
    timestamp: header.timestamp + 1n,
    mixHash: hashFromBytes(header.mixHash),
    coinbase: `0x${'cb'.repeat(20)}` as never,
  }
  const { evm } = await createChainVm(engine, state, context, expired)
  await state.checkpoint()
  await state.putCode(home, fromHex(`0x${loop.code}`))
  const began = now()
  last = began
  await evm.runCall({ to: home, data: loop.data, gasLimit: maxTransactionGas / share })
  expired()
  return { ms: Number(share) * (now() - began), longestMs }
}
