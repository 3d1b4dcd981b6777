/**
 * The ABI of `Staking`: stakes, delegations, commission and the frozen sets.
 */
import { parseAbi } from 'viem'
import { commonErrors } from './module.ts'

export const stakingAbi = parseAbi([
  'struct StakeView { address validator; bytes publicKey; uint64 stake; uint64 jailedSince; uint256 ask; uint256 maxParams; uint64 unbonding; uint64 unbondsAt; }',
  'struct MemberView { address validator; bytes publicKey; uint64 stake; uint64 reputation; uint256 power; uint256 slotWeight; bool jailed; }',

  'struct PoolView { uint256 delegated; uint256 shares; uint256 leaving; uint256 rewardPerShare; uint256 pendingReward; uint256 commission; uint256 nextCommission; uint256 commissionFrom; }',
  'struct DelegationView { address validator; uint256 shares; uint256 amount; uint256 reward; uint256 leavingWei; uint256 leavesAt; address liableTo; uint256 liableWei; uint256 liableUntil; }',

  'function register(bytes publicKey, bytes possession, uint128 ask, uint64 maxParams) payable returns (uint64 stake)',
  'function bond() payable returns (uint64 stake)',
  'function unbond(uint64 gwei) returns (uint64 fromEpoch)',
  'function withdraw() returns (uint256 amount)',
  'function setTerms(uint128 ask, uint64 maxParams)',
  'function setCommission(uint16 basisPoints) returns (uint64 fromEpoch)',
  'function unjail()',
  'function delegate(address to) payable returns (uint256 shares)',
  'function undelegate(address from, uint256 amount) returns (uint64 fromEpoch)',
  'function redelegate(address from, address to, uint256 amount) returns (uint256 shares)',
  'function withdrawDelegation(address from) returns (uint256 amount)',
  'function claimReward(address from) returns (uint256 amount)',
  'function pool(address who) view returns (PoolView found)',
  'function delegation(address to, address delegator) view returns (DelegationView found)',
  'function delegationsOf(address delegator) view returns (DelegationView[] list)',
  'function validator(address who) view returns (StakeView stake)',
  'function validators() view returns (address[] list)',
  'function epoch() view returns (uint256 number)',
  'function currentSet() view returns (MemberView[] members)',

  'event Registered(address indexed validator, bytes publicKey, uint64 stake)',
  'event Bonded(address indexed validator, uint64 stake)',
  'event Unbonded(address indexed validator, uint64 amount, uint64 fromEpoch)',
  'event Withdrawn(address indexed validator, uint256 amount)',
  'event TermsChanged(address indexed validator, uint128 ask, uint64 maxParams)',
  'event CommissionChanged(address indexed validator, uint16 basisPoints, uint64 fromEpoch)',
  'event Unjailed(address indexed validator)',
  'event DelegationAdded(address indexed validator, address indexed delegator, uint256 amount, uint256 shares)',
  'event DelegationRemoved(address indexed validator, address indexed delegator, uint256 amount, uint64 fromEpoch)',
  'event DelegationMoved(address indexed validator, address indexed delegator, address indexed to, uint256 amount)',
  'event DelegationWithdrawn(address indexed validator, address indexed delegator, uint256 amount)',
  'event RewardClaimed(address indexed validator, address indexed delegator, uint256 amount)',

  'error Unknown(address validator)',
  'error Known(address validator)',
  'error KeyTaken(address holder)',
  'error BadPossession()',
  'error NotWholeGwei(uint256 got)',
  'error TooLittle(uint256 got, uint256 min)',
  'error TooMuch(uint256 got, uint256 max)',
  'error Unbonding(uint256 until)',
  'error Jailed(address validator)',
  'error NotJailed(address validator)',
  'error StillJailed(uint256 until)',
  'error BadCommission(uint256 got, uint256 max)',
  'error TooMany(uint256 max)',
  'error Liable(uint256 until)',
  'error Full(uint256 max)',
  ...commonErrors,
])
