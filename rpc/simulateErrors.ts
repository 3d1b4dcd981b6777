/**
 * Refusals of imagined blocks as Ethereum's clients number them.
 *
 * @see the public execution-apis specification, errors of `eth_simulateV1`
 */
import type { SimulateFault } from '../vm/simulateBlocks.ts'
import type { RpcError } from './errors.ts'

type Describe<F extends SimulateFault> = (fault: F) => RpcError

const describers: {
  readonly [C in SimulateFault['code']]: Describe<Extract<SimulateFault, { code: C }>>
} = {
  'imagined/nonce': ({ sender, expected, got }) => ({
    code: got < expected ? -38010 : -38011,
    message: `nonce too ${got < expected ? 'low' : 'high'}: address ${sender}, tx: ${got} state: ${expected}`,
  }),
  'imagined/nonceMax': ({ sender, got }) => ({
    code: -32603,
    message: `nonce has max value: address ${sender}, nonce: ${got}`,
  }),
  'imagined/tip': ({ most, got }) => ({
    code: -32602,
    message: `max priority fee per gas higher than max fee per gas: ${got} > ${most}`,
  }),
  'imagined/fee': ({ baseFee, got }) => ({
    code: -38012,
    message: `max fee per gas less than block base fee: maxFeePerGas: ${got}, baseFee: ${baseFee}`,
  }),
  'imagined/blobFee': ({ blobBaseFee, got }) => ({
    code: -32602,
    message: `max fee per blob gas less than block blob gas fee: ${got} < ${blobBaseFee}`,
  }),
  'imagined/funds': ({ sender, needed, got }) => ({
    code: -38014,
    message: `insufficient funds for gas * price + value: address ${sender} have ${got} want ${needed}`,
  }),
  'imagined/intrinsicGas': ({ least, got }) => ({
    code: -38013,
    message: `intrinsic gas too low: have ${got}, want ${least}`,
  }),
  'imagined/initCode': ({ max, got }) => ({
    code: -38025,
    message: `max initcode size exceeded: code size ${got} limit ${max}`,
  }),
  'imagined/blockGas': ({ left, got }) => ({
    code: -38015,
    message: `block gas limit reached: ${got} wanted, ${left} left`,
  }),
  'imagined/malformed': ({ why }) => ({ code: -32602, message: `invalid call: ${why}` }),
  'override/precompile': ({ why }) => ({ code: -32000, message: why }),
  'simulate/number': ({ above, got }) => ({
    code: -38020,
    message: `block numbers must be in order: ${got} <= ${above}`,
  }),
  'simulate/timestamp': ({ above, got }) => ({
    code: -38021,
    message: `block timestamps must be in order: ${got} <= ${above}`,
  }),
  'simulate/blocks': ({ max, got }) => ({
    code: -38026,
    message: `too many blocks: ${got} (at most ${max})`,
  }),
  'simulate/slow': () => ({ code: -38026, message: 'simulation took too long' }),
}

export function simulateError(fault: SimulateFault): RpcError {
  const describe = describers[fault.code] as Describe<SimulateFault>
  return describe(fault)
}
