/**
 * The chain's rules as `@ethereumjs` names them: every fork up to Osaka from the first block on.
 */
import { type ChainConfig, Common, Hardfork } from '@ethereumjs/common'
import { depositContract } from '../params/protocol.ts'
import { recoverKey, sha256Native } from './crypto.ts'
import { keccak256 } from './keccak.ts'

const forksByBlock = [
  'chainstart',
  'homestead',
  'tangerineWhistle',
  'spuriousDragon',
  'byzantium',
  'constantinople',
  'petersburg',
  'istanbul',
  'muirGlacier',
  'berlin',
  'london',
  'arrowGlacier',
  'grayGlacier',
  'paris',
  'mergeNetsplitBlock',
]

const forksByTime = ['shanghai', 'cancun', 'prague', 'osaka']

/** Wei per gas of block 0; later blocks follow EIP-1559. */
export const initialBaseFee = 1_000_000_000n

/**
 * A `Common` of the chain. Built from its own fork table: a customized Mainnet would keep Mainnet's
 * fork heights.
 */
export function chainCommon(chainId: number): Common {
  const chain: ChainConfig = {
    name: 'waggle',
    chainId,
    comment: '',
    url: '',
    hardforks: [
      ...forksByBlock.map((name) => ({ name, block: 0 })),
      ...forksByTime.map((name) => ({ name, block: null, timestamp: 0 })),
    ],
    bootstrapNodes: [],
    dnsNetworks: [],
    consensus: { type: 'pos', algorithm: 'casper', casper: {} },
    genesis: {
      gasLimit: 30_000_000,
      difficulty: 0,
      nonce: '0x0000000000000000',
      extraData: '0x',
      baseFeePerGas: `0x${initialBaseFee.toString(16)}`,
    },
    depositContractAddress: depositContract,
  }
  return new Common({
    chain,
    hardfork: Hardfork.Osaka,
    customCrypto: { ecrecover: recoverKey, sha256: sha256Native, keccak256 },
  })
}
