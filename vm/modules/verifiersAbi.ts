/**
 * What `Verifiers` can be asked.
 */
import { parseAbi } from 'viem'
import { commonErrors } from './module.ts'

export const verifiersAbi = parseAbi([
  'struct KeyView { uint8 protocol; uint32 inputs; address registrant; bytes key; }',

  'function register(uint8 protocol, bytes key) returns (bytes32 name)',
  'function verify(bytes32 name, uint256[] inputs, bytes proof) view returns (bool valid, string fault)',
  'function key(bytes32 name) view returns (KeyView found)',
  'function keyCount() view returns (uint256 count)',
  'function keyAt(uint256 index) view returns (bytes32 name)',

  'event KeyRegistered(bytes32 indexed name, address indexed registrant, uint8 protocol, uint32 inputs)',

  'error Unknown(bytes32 id)',
  'error Known(bytes32 name)',
  'error BadProtocol(uint8 protocol)',
  'error KeyLength(uint256 got)',
  'error KeyPoint(uint256 word)',
  ...commonErrors,
])
