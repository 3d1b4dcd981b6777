/**
 * A tour with Foundry's `cast`, which knows nothing of Waggle: balances, a transfer, native modules
 * called by signature, logs, and the node's own methods.
 *
 * Run: `node examples/castTour.ts [RPC_URL]` against a devnet (`waggle devnet`), on Linux x64.
 */
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const rpcUrl = process.argv[2] ?? 'http://127.0.0.1:8545'
const home = dirname(
  createRequire(import.meta.url).resolve('@foundry-rs/cast-linux-amd64/package.json'),
)

/** Run `cast` with `args`, show both, and return what it printed. */
function cast(...args: readonly string[]): string {
  process.stdout.write(`$ cast ${args.map(quoted).join(' ')}\n`)
  const answer = execFileSync(join(home, 'bin', 'cast'), [...args, '--rpc-url', rpcUrl], {
    encoding: 'utf8',
    stdio: 'pipe',
  }).trim()
  process.stdout.write(`${answer}\n\n`)
  return answer
}

function quoted(arg: string): string {
  return /^[\w./:-]+$/.test(arg) ? arg : `'${arg}'`
}

/** Native modules have fixed addresses. */
const staking = '0x0000000000000000000000000000000000005701'
const jobs = '0x0000000000000000000000000000000000005703'

/** Account 3 of the test phrase: a development key that everybody knows. */
const key = '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6'
const sender = '0x90F79bf6EB2c4f870365E785982E1f101E93b906'
const friend = '0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65'

cast('chain-id')
cast('block-number')
cast('balance', sender, '--ether')
cast('send', friend, '--value', '0.25ether', '--private-key', key)
cast('nonce', sender)

// Native modules answer like contracts.
cast('call', staking, 'epoch()(uint256)')
cast('call', staking, 'validators()(address[])')
cast('call', jobs, 'jobCount()(uint256)')

// A refusal is an ABI error, as a contract's would be.
const nobody = `0x${'11'.repeat(32)}`
try {
  cast('call', jobs, 'job(bytes32)', nobody)
} catch {
  process.stdout.write('refused: Unknown(bytes32), as it should be\n\n')
}

// Methods beyond Ethereum's.
cast('rpc', 'train_price')
cast('rpc', 'val_epoch')

// Pay of validators is in the logs of the Jobs module.
cast('logs', '--from-block', '1', '--address', jobs)
