/**
 * The worst that one transaction can ask of a node: loops that spend their gas on one instruction, one
 * precompile or one native module, and nothing else.
 */
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { bn254 } from '@noble/curves/bn254.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { toFunctionSelector } from 'viem'
import { moduleAddresses } from '../params/protocol.ts'
import { concatBytes, fromHex, toHex, uintBytes } from '../primitives/bytes.ts'

/** Code that runs until its gas is gone, and the call data it works on. */
export type Loop = { readonly name: string; readonly code: string; readonly data: Uint8Array }

const word = (value: bigint | number) => uintBytes(value, 32)
const none = new Uint8Array()
const key = new Uint8Array(32).fill(7)
const digest = new Uint8Array(32).fill(9)
const [size2, size4] = [2, 4].map((width) => (n: number) => {
  return n.toString(16).padStart(2 * width, '0')
}) as [(n: number) => string, (n: number) => string]

/** `start` once, then `body` for ever: JUMPDEST body PUSH2 back JUMP. */
function forever(name: string, body: string, start = '', data: Uint8Array = none): Loop {
  const back = size2(start.length / 2)
  return { name, code: `${start}5b${body}61${back}56`, data }
}

/** The call data in memory from 0 on. */
const load = '365f5f37'
/** Call `to` with the call data, for ever: STATICCALL(gas, to, 0, length, 0, 0). */
function calling(name: string, to: string, data: Uint8Array): Loop {
  return forever(
    name,
    `5f5f${`63${size4(data.length)}`}5f73${to.slice(2).padStart(40, '0')}5afa50`,
    load,
    data,
  )
}

const numbered = (number: number) => toHex(uintBytes(number, 20))

function opcodeLoops(): readonly Loop[] {
  const ones = 'ff'.repeat(32)
  const three = `7f${ones}7f${ones}7f${ones}`
  return [
    forever('JUMPDEST', '5b'.repeat(2_000)),
    forever('ADD', '5f5f0150'.repeat(2_000)),
    forever('MUL', `7f${ones}7f${ones}0250`.repeat(300)),
    forever('DIV', `6f${'11'.repeat(16)}7f${ones}0450`.repeat(300)),
    forever('SDIV', `6f${'11'.repeat(16)}7f${ones}0550`.repeat(300)),
    forever('MULMOD', `${three}0950`.repeat(200)),
    forever('ADDMOD', `${three}0850`.repeat(200)),
    forever('EXP', `7f${ones}7f${ones}0a50`.repeat(300)),
    forever('SHL', `7f${ones}60ff1b50`.repeat(300)),
    forever('KECCAK256/empty', '5f5f2050'.repeat(2_000)),
    forever('KECCAK256/64', '60405f2050'.repeat(2_000)),
    forever('KECCAK256/32768', '6180005f2050'.repeat(1_000)),
    forever('MLOAD', '5f5150'.repeat(2_000)),
    forever('MSTORE', '5f5f52'.repeat(2_000)),
    forever('MCOPY/32768', '6180005f5f5e'.repeat(1_000)),
    forever('CALLDATACOPY/32768', '6180005f5f37'.repeat(1_000)),
    forever('CODECOPY/32768', '6180005f5f39'.repeat(1_000)),
    forever('EXTCODECOPY/32768', '6180005f5f303c'.repeat(1_000)),
    forever('TLOAD', '5f5c50'.repeat(2_000)),
    forever('TSTORE', '5f5f5d'.repeat(2_000)),
    forever('SLOAD/warm', '5f5450'.repeat(2_000)),
    forever('SLOAD/cold', '805450600101'.repeat(1_000), '5f'),
    forever('SSTORE/new', '808055600101'.repeat(1_000), '6001'),
    forever('SSTORE/again', '60015f555f5f55'.repeat(1_000)),
    forever('BALANCE/cold', '803150600101'.repeat(1_000), '6001'),
    forever('EXTCODEHASH/warm', '303f50'.repeat(2_000)),
    forever('BLOCKHASH', '600143034050'.repeat(1_000)),
    forever('SELFBALANCE', '4750'.repeat(2_000)),
    forever('LOG4/empty', '5f5f5f5f5f5fa4'.repeat(1_000)),
    forever('LOG0/1024', '6104005fa0'.repeat(1_000)),
    forever('CALL/self', '5f5f5f5f5f60ff5af150'.repeat(500)),
    forever('CREATE/empty', '5f5f5ff050'.repeat(500)),
    forever('PUSH32/POP', `7f${ones}50`.repeat(600)),
    forever('DUP/SWAP', '809050'.repeat(2_000), '5f5f'),
  ]
}

/** EIP-198's input: lengths, base, exponent, modulus. */
function power(base: number, exponent: number, modulus: number): Uint8Array {
  const lengths = [base, exponent, modulus].map(word)
  const full = (length: number) => new Uint8Array(length).fill(0xff)
  const odd = full(modulus)
  return concatBytes(...lengths, full(base), full(exponent), odd)
}

/** EIP-2537's encoding: 64 bytes for each number of the field. */
function blsPoint(coordinates: readonly bigint[]): Uint8Array {
  return concatBytes(...coordinates.map((value) => uintBytes(value, 64)))
}

function blsPoints() {
  const one = bls12_381.G1.Point.BASE.toAffine()
  const two = bls12_381.G2.Point.BASE.toAffine()
  return {
    g1: blsPoint([one.x, one.y]),
    g2: blsPoint([two.x.c0, two.x.c1, two.y.c0, two.y.c1]),
    scalar: new Uint8Array(32).fill(0xfe),
  }
}

function precompileLoops(): readonly Loop[] {
  const signature = secp256k1.sign(digest, key, { prehash: false, format: 'recovered' })
  const recover = concatBytes(digest, word(27 + signature[0]!), signature.slice(1))
  const one = concatBytes(word(1), word(2))
  const { x, y } = bn254.G2.Point.BASE.toAffine()
  const second = concatBytes(word(x.c1), word(x.c0), word(y.c1), word(y.c0))
  const { g1, g2, scalar } = blsPoints()
  const many = (count: number, ...parts: readonly Uint8Array[]) =>
    concatBytes(...Array.from({ length: count }, () => parts).flat())
  const p256Input = concatBytes(
    digest,
    p256.sign(digest, key, { prehash: false }),
    p256.getPublicKey(key, false).slice(1),
  )
  const blake = (rounds: number) =>
    concatBytes(uintBytes(rounds, 4), new Uint8Array(208), Uint8Array.of(1))
  const inputs: readonly (readonly [string, number, Uint8Array])[] = [
    ['ecrecover', 1, recover],
    ['sha256/0', 2, none],
    ['sha256/32768', 2, new Uint8Array(32_768)],
    ['ripemd160/0', 3, none],
    ['ripemd160/32768', 3, new Uint8Array(32_768)],
    ['identity/32768', 4, new Uint8Array(32_768)],
    ['modexp/32-32-32', 5, power(32, 32, 32)],
    ['modexp/1024-1-1024', 5, power(1024, 1, 1024)],
    ['modexp/256-8-256', 5, power(256, 8, 256)],
    ['modexp/1024-1024-1024', 5, power(1024, 1024, 1024)],
    ['bn254 add', 6, concatBytes(one, one)],
    ['bn254 mul', 7, concatBytes(one, scalar)],
    ['bn254 pairing/1', 8, concatBytes(one, second)],
    ['bn254 pairing/20', 8, many(20, one, second)],
    ['blake2f/12', 9, blake(12)],
    ['blake2f/100000', 9, blake(100_000)],
    ['point evaluation', 10, new Uint8Array(192)],
    ['bls G1 add', 11, concatBytes(g1, g1)],
    ['bls G1 msm/1', 12, concatBytes(g1, scalar)],
    ['bls G1 msm/128', 12, many(128, g1, scalar)],
    ['bls G2 add', 13, concatBytes(g2, g2)],
    ['bls G2 msm/1', 14, concatBytes(g2, scalar)],
    ['bls G2 msm/128', 14, many(128, g2, scalar)],
    ['bls pairing/1', 15, concatBytes(g1, g2)],
    ['bls pairing/20', 15, many(20, g1, g2)],
    ['bls map to G1', 16, uintBytes(77, 64)],
    ['bls map to G2', 17, concatBytes(uintBytes(77, 64), uintBytes(78, 64))],
    ['p256 verify', 256, p256Input],
  ]
  return inputs.map(([name, number, data]) => calling(name, numbered(number), data))
}

const selector = (signature: string) => fromHex(toFunctionSelector(signature))

/** Reads of native modules, which work outside the interpreter. */
function moduleLoops(): readonly Loop[] {
  return [
    calling('Staking.validators', moduleAddresses.staking, selector('validators()')),
    calling('Staking.currentSet', moduleAddresses.staking, selector('currentSet()')),
    calling('Jobs.activeJobs', moduleAddresses.jobs, selector('activeJobs()')),
    calling('Jobs, 16 KiB of noise', moduleAddresses.jobs, new Uint8Array(16_384).fill(1)),
  ]
}

export function worstLoops(): readonly Loop[] {
  return [...opcodeLoops(), ...precompileLoops(), ...moduleLoops()]
}
