/**
 * A delegator: entrusts coin to a validator, waits for the end of an epoch in which it was paid for
 * training, and claims its share of what was minted.
 *
 * Run: `node examples/delegate.ts [RPC_URL]` against a devnet (`waggle devnet`) while a job runs, such as
 * that of `examples/openJob.ts`.
 */
import { formatEther, parseEther } from 'viem'
import { moduleAddresses } from '../params/protocol.ts'
import { stakingAbi } from '../vm/modules/stakingAbi.ts'
import { connect, developer, print } from './devnet.ts'

const account = developer(3)
const { node, wallet } = await connect(account)
const staking = { address: moduleAddresses.staking, abi: stakingAbi } as const

// 1. Whom to trust: the first validator, and what it keeps.
const [validator] = await node.readContract({ ...staking, functionName: 'validators' })
const { commission } = await node.readContract({
  ...staking,
  functionName: 'pool',
  args: [validator!],
})
print(`validator ${validator} keeps ${Number(commission) / 100} %`)

// 2. Entrust. The coin stays the delegator's, but a twentieth is lost if the validator votes twice.
const delegated = await wallet.writeContract({
  ...staking,
  functionName: 'delegate',
  args: [validator!],
  value: parseEther('100000'),
})
await node.waitForTransactionReceipt({ hash: delegated })
print('delegated 100000 coins')

// 3. Wait until an epoch's emission has been shared out.
const mine = [validator!, account.address] as const
const rewardOf = async () =>
  (await node.readContract({ ...staking, functionName: 'delegation', args: mine })).reward
while ((await rewardOf()) === 0n) await new Promise((resolve) => setTimeout(resolve, 1_000))

// 4. Claim.
const claim = { ...staking, functionName: 'claimReward', args: [validator!] } as const
const receipt = await node.waitForTransactionReceipt({ hash: await wallet.writeContract(claim) })
print(`claimed ${formatEther(BigInt(receipt.logs[0]!.data))} coins`)
process.exit(0)
