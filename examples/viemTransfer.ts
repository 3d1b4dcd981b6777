/**
 * A wallet's day with viem, on any Waggle node: pay somebody, deploy a contract, and hear its event
 * over WebSocket.
 *
 * Run: `node examples/viemTransfer.ts [RPC_URL]` against a devnet (`waggle devnet`).
 */
import {
  concatHex,
  createPublicClient,
  formatEther,
  parseAbi,
  parseEther,
  toEventSelector,
  webSocket,
} from 'viem'
import { connect, developer, print, rpcUrl } from './devnet.ts'

/** Account 0 pays account 1. */
const account = developer(0)
const friend = developer(1).address

const { chain, node, wallet } = await connect(account)
const live = createPublicClient({ chain, transport: webSocket(rpcUrl.replace(/^http/, 'ws')) })
print(`chain ${chain.id} at block ${await node.getBlockNumber()}`)

// 1. A transfer. A block that is committed is final: one confirmation is all there is to wait for.
const before = await node.getBalance({ address: friend })
const paid = await wallet.sendTransaction({ to: friend, value: parseEther('1.5') })
const receipt = await node.waitForTransactionReceipt({ hash: paid })
const gained = (await node.getBalance({ address: friend })) - before
print(`paid ${formatEther(gained)} coins in block ${receipt.blockNumber}`)

// 2. A contract that counts its calls:
//
//   contract Counter {
//     uint256 count;
//     event Counted(uint256 value);
//     function increment() external returns (uint256) { emit Counted(++count); return count; }
//   }
//
// assembled by hand, any call counts: n = sload(0) + 1; sstore(0, n); mstore(0, n);
// log1(0, 32, Counted); return(0, 32). The first nine bytes copy the rest to memory and return it.
const abi = parseAbi(['function increment() returns (uint256)', 'event Counted(uint256 value)'])
const bytecode = concatHex([
  '0x60338060095f395ff3',
  '0x5f54600101805f555f527f',
  toEventSelector('Counted(uint256)'),
  '0x60205fa160205ff3',
])
const deployed = await node.waitForTransactionReceipt({
  hash: await wallet.deployContract({ abi, bytecode }),
})
const counter = deployed.contractAddress!
print(`contract at ${counter}, ${deployed.gasUsed} gas`)

// 3. Its event, pushed by the node as soon as the block is committed.
const heard = new Promise<bigint>((resolve) => {
  const stop = live.watchContractEvent({
    address: counter,
    abi,
    eventName: 'Counted',
    onLogs: ([log]) => {
      stop()
      resolve(log!.args.value!)
    },
  })
})
// The subscription must be there before the event.
await new Promise((resolve) => {
  setTimeout(resolve, 500)
})
await wallet.writeContract({ address: counter, abi, functionName: 'increment' })
print(`event: counted ${await heard}`)
process.exit(0)
