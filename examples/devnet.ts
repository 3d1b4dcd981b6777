/**
 * What the examples with viem begin with: the node that they were given, and keys that everybody knows.
 */
import {
  type Chain,
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  type PublicClient,
  type Transport,
  type WalletClient,
} from 'viem'
import { type HDAccount, type LocalAccount, mnemonicToAccount } from 'viem/accounts'

/** Of the command line; a devnet's first node by default. */
export const rpcUrl: string = process.argv[2] ?? 'http://127.0.0.1:8545'

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Development account number `index`, funded by the genesis of every devnet. */
export function developer(index: number): HDAccount {
  const mnemonic = 'test test test test test test test test test test test junk'
  return mnemonicToAccount(mnemonic, { addressIndex: index })
}

export type Connection = {
  readonly chain: Chain
  readonly node: PublicClient<Transport, Chain>
  readonly wallet: WalletClient<Transport, Chain, LocalAccount>
}

/** Ask the node which chain it is of, and speak to it as `account`. */
export async function connect(account: LocalAccount): Promise<Connection> {
  const id = await createPublicClient({ transport: http(rpcUrl) }).getChainId()
  const chain = defineChain({
    id,
    name: 'Waggle',
    nativeCurrency: { name: 'coin', symbol: 'COIN', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
  return {
    chain,
    node: createPublicClient({ chain, transport: http(), pollingInterval: 500 }),
    wallet: createWalletClient({ account, chain, transport: http() }),
  }
}
