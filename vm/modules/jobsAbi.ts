/**
 * The ABI of `Jobs`: opening, certifying and following training jobs.
 */
import { parseAbi } from 'viem'
import { commonErrors } from './module.ts'

export const jobsAbi = parseAbi([
  'struct Phase { uint32 fromStep; uint8[] updateShifts; uint8[] backwardShifts; }',
  'struct HeldOut { bytes32 dataset; uint32 rows; }',
  'struct JobSpec { uint8 proofKind; bytes32 dataset; uint32[] layers; uint32 batch; uint32 steps; uint16 leaseSteps; uint8 fractionBits; uint8[] forwardShifts; Phase[] schedule; uint8 initBound; uint128 pricePerMac; HeldOut heldOut; }',
  'struct JobState { uint8 status; address owner; bytes32 dataset; uint64 openedAt; bytes32 seed; uint32 range; uint32 ranges; uint32 stepsDone; uint32 steps; uint64 rangeSince; uint256 escrow; bytes32 commitment; bytes32 weights; bool cancelRequested; bytes32 evaluationSeed; }',
  'struct EvaluationView { bytes32 dataset; uint32 rows; uint256 loss; address worker; uint64 height; }',
  'struct LeaseView { uint32 range; uint32 attempt; uint64 start; uint64 end; address holder; address[] able; }',

  'function open(JobSpec spec) payable returns (bytes32 jobId)',
  'function quote(JobSpec spec) view returns (uint256 escrow, uint256 openFee)',
  'function certify(bytes32 jobId, uint32 range, bytes32 stateBefore, bytes32 stateAfter, bytes32 weights, uint64[] losses, uint256 custodians, bytes32 sidecar)',
  'function expire(bytes32 jobId) returns (uint256 reward)',
  'function decline(bytes32 jobId)',
  'function conclude(bytes32 jobId) returns (uint256 refund)',
  'function cancel(bytes32 jobId) returns (bool ended, uint256 refund)',
  'function job(bytes32 jobId) view returns (JobState state)',
  'function encoded(bytes32 jobId) view returns (bytes canonical)',
  'function evaluation(bytes32 jobId) view returns (EvaluationView found)',
  'function lease(bytes32 jobId) view returns (LeaseView lease)',
  'function jobCount() view returns (uint256 count)',
  'function jobAt(uint256 index) view returns (bytes32 jobId)',
  'function activeJobs() view returns (bytes32[] jobIds)',

  'event JobOpened(bytes32 indexed jobId, address indexed owner, bytes32 indexed dataset, uint32 steps, uint256 escrow)',
  'event Certified(bytes32 indexed jobId, address indexed worker, uint32 range, uint32 steps, bytes32 stateAfter, bytes32 weights, uint64[] losses, uint256 fee, uint256 custodians, bytes32 sidecar)',
  'event Evaluated(bytes32 indexed jobId, address indexed worker, bytes32 indexed dataset, uint32 rows, uint64 loss)',
  'event LeaseMissed(bytes32 indexed jobId, address indexed holder, uint32 range, uint32 attempt, uint256 penalty)',
  'event LeaseDeclined(bytes32 indexed jobId, address indexed holder, uint32 range)',
  'event JobFinished(bytes32 indexed jobId, bytes32 weights, uint256 refund)',
  'event JobCancelled(bytes32 indexed jobId, uint256 refund)',

  'error OutOfRange(string field, uint256 got, uint256 min, uint256 max)',
  'error Wraps(string family, uint256 got, uint256 max)',
  'error Unknown(bytes32 id)',
  'error UnknownDataset(bytes32 dataset)',
  'error DatasetMismatch(string field, uint256 expected, uint256 got)',
  'error WrongEscrow(uint256 required, uint256 got)',
  'error QueueFull(uint256 max)',
  'error NotOwner(address owner)',
  'error NotRunning(bytes32 id)',
  'error OtherRange(uint256 expected, uint256 got)',
  'error TooEarly(uint256 start, uint256 height)',
  'error TooLate(uint256 until, uint256 height)',
  'error NotHolder(address holder, uint256 attempt)',
  'error OtherWeights(bytes32 expected, bytes32 got)',
  'error LossCount(uint256 expected, uint256 got)',
  'error Custody(uint256 needed, uint256 got)',
  'error NothingMissed(uint256 attempt)',
  'error Declined(address by)',
  'error ProofKindUnavailable(uint8 proofKind)',
  ...commonErrors,
])
