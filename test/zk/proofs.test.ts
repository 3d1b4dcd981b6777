/**
 * Proofs of every circuit before three judges that share no code: the native verifier, snarkjs itself,
 * and snarkjs's Solidity verifier in the chain's EVM; and before the `Verifiers` module, which must
 * never throw, whatever it is asked.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { bn254 } from '@noble/curves/bn254.js'
import { groth16, plonk, zKey } from 'snarkjs'
import solc from 'solc'
import {
  type Abi,
  decodeFunctionResult,
  encodeFunctionData,
  getContractAddress,
  type Hex,
} from 'viem'
import { beforeAll, describe, it, vi } from 'vitest'
import { encodeZkProof } from '../../cli/zkFile.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Address, addressOfKey } from '../../primitives/address.ts'
import { concatBytes, fromHex, toHex } from '../../primitives/bytes.ts'
import { verifiersAbi } from '../../vm/modules/verifiersAbi.ts'
import { devnetArtefacts } from '../../zk/artefacts.ts'
import { baseOrder, type Curve, scalarOrder } from '../../zk/bn254.ts'
import { type CircuitName, circuitNames } from '../../zk/circuits.ts'
import { loadCurve } from '../../zk/mclCurve.ts'
import type { Proven } from '../../zk/proveHere.ts'
import { sampleInput, sampleModel, sampleSecrets, sampleSolution } from '../../zk/samples.ts'
import { type Grid, packGrid, sudokuInput } from '../../zk/sudoku.ts'
import { type Protocol, parseKey, protocols, verifyProof } from '../../zk/verifier.ts'
import { bytesOfWords, wordsOf } from '../../zk/words.ts'
import { advance, alice, openTestChain, signed, type TestChain } from '../chain/support.ts'
import { dice, nobleCurve, pinnedKey, proofOf } from './support.ts'

// A proof takes a second of two idle cores, and much longer on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

type Case = {
  readonly circuit: CircuitName
  readonly protocol: Protocol
  readonly proven: Proven
  readonly pinned: Awaited<ReturnType<typeof pinnedKey>>
  /** Address and ABI of the exported Solidity verifier. */
  readonly contract: { readonly address: Address; readonly abi: Abi }
}

const names: readonly (readonly [CircuitName, Protocol])[] = [
  ...circuitNames.map((name) => [name, 'groth16'] as const),
  ['sudoku', 'plonk'],
]
const cases = new Map<string, Case>()
let curve: Curve
let test: TestChain

beforeAll(async () => {
  curve = await loadCurve()
  test = await openTestChain()
  for (const [circuit, protocol] of names) {
    const proven = await proofOf(circuit, sampleInput(circuit), protocol)
    const pinned = await pinnedKey(circuit, protocol)
    await send(moduleAddresses.verifiers, registerData(protocol, toHex(pinned.bytes)))
    const contract = await deployVerifier(circuit, protocol)
    cases.set(`${circuit} ${protocol}`, { circuit, protocol, proven, pinned, contract })
  }
}, 400_000)

function registerData(protocol: Protocol, key: Hex): Hex {
  const args = [protocols.indexOf(protocol), key] as const
  return encodeFunctionData({ abi: verifiersAbi, functionName: 'register', args })
}

let nonce = 0n

/** One transaction in a block of its own; whether it succeeded, and the gas it used. */
async function send(to: Address | undefined, data: Hex) {
  const call = { data, gasLimit: 16_000_000n, ...(to === undefined ? {} : { to }) }
  const { outcome } = await advance(test.chain, [signed(test.engine, alice, call)])
  nonce += 1n
  const receipt = outcome.receipts[0]
  assert.ok(receipt, 'the transaction was left out')
  return receipt
}

async function ask(to: Address, data: Hex) {
  const { chain } = test
  const fees = { maxFeePerGas: null, maxPriorityFeePerGas: null, accessList: null }
  const request = { from: addressOfKey(alice), to, gas: 8_000_000n, value: 0n, data: fromHex(data) }
  const outcome = await chain.call(
    { ...request, ...fees, authorizationList: null } as Parameters<typeof chain.call>[0],
    chain.head().height,
  )
  assert.ok(outcome !== null)
  return outcome
}

function returnedBy(outcome: Awaited<ReturnType<typeof ask>>): Hex {
  assert.ok(outcome.ok, 'the call reverted')
  return toHex(outcome.returnData)
}

/** What the module says of a proof. */
async function moduleVerdict({ pinned }: Case, inputs: readonly bigint[], proof: Uint8Array) {
  const args = [pinned.name, inputs, toHex(proof)] as const
  const data = encodeFunctionData({ abi: verifiersAbi, functionName: 'verify', args })
  const outcome = await ask(moduleAddresses.verifiers, data)
  const [valid, fault] = decodeFunctionResult({
    abi: verifiersAbi,
    functionName: 'verify',
    data: returnedBy(outcome),
  })
  assert.equal(valid, fault === '')
  return fault
}

/** What the exported contract says of a proof of the right length. */
async function contractVerdict(
  { contract, protocol }: Case,
  inputs: readonly bigint[],
  proof: Uint8Array,
): Promise<boolean> {
  const { address, abi } = contract
  const w = wordsOf(proof, proof.length / 32)!
  const points =
    protocol === 'groth16'
      ? [[w[0], w[1]], [[w[2], w[3]], [w[4], w[5]]], [w[6], w[7]]] // biome-ignore format: pairs
      : [w]
  const data = encodeFunctionData({ abi, functionName: 'verifyProof', args: [...points, inputs] })
  const outcome = await ask(address, data)
  return outcome.ok && outcome.returnData.length === 32 && outcome.returnData.at(-1) === 1
}

async function deployVerifier(circuit: CircuitName, protocol: Protocol) {
  const { zkey } = await devnetArtefacts(circuit, protocol)
  const template = (name: string) =>
    readFileSync(`node_modules/snarkjs/templates/verifier_${name}.sol.ejs`, 'utf8')
  const source: string = await zKey.exportSolidityVerifier(zkey, {
    groth16: template('groth16'),
    plonk: template('plonk'),
  })
  const input = {
    language: 'Solidity',
    sources: { 'Verifier.sol': { content: source } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    contracts: Record<string, Record<string, { abi: Abi; evm: { bytecode: { object: string } } }>>
  }
  const { abi, evm } = Object.values(output.contracts['Verifier.sol']!)[0]!
  const address = getContractAddress({ from: addressOfKey(alice), nonce }).toLowerCase() as Address
  const receipt = await send(undefined, `0x${evm.bytecode.object}`)
  assert.ok(receipt.succeeded)
  return { address, abi }
}

describe.each(names)('%s %s', (circuit, protocol) => {
  const found = () => cases.get(`${circuit} ${protocol}`)!

  it('is accepted by every judge', async () => {
    const one = found()
    const { proven, pinned } = one
    for (const judge of [curve, nobleCurve])
      assert.ok(verifyProof(judge, pinned.key, proven.inputs, proven.proof).ok)
    assert.equal(await moduleVerdict(one, proven.inputs, proven.proof), '')
    assert.ok(await contractVerdict(one, proven.inputs, proven.proof))
  })

  it('is refused by every judge once any public input is another', async () => {
    const one = found()
    const { proven, pinned } = one
    for (const [i, input] of proven.inputs.entries()) {
      const inputs = proven.inputs.with(i, input === 0n ? 1n : input - 1n)
      assert.equal(verifyProof(curve, pinned.key, inputs, proven.proof).ok, false, `input ${i}`)
      assert.equal(await moduleVerdict(one, inputs, proven.proof), 'zk/wrongProof')
      assert.equal(await contractVerdict(one, inputs, proven.proof), false)
      const alias = proven.inputs.with(i, input + scalarOrder)
      assert.equal(await moduleVerdict(one, alias, proven.proof), 'zk/inputRange')
      assert.equal(await contractVerdict(one, alias, proven.proof), false)
    }
  })

  it('is refused by every judge once any element is another', async () => {
    const one = found()
    const { proven, pinned } = one
    const words = wordsOf(proven.proof, proven.proof.length / 32)!
    for (const [i, word] of words.entries()) {
      const flipped = bytesOfWords(words.with(i, word ^ 1n))
      assert.notEqual(await moduleVerdict(one, proven.inputs, flipped), '')
      assert.equal(await contractVerdict(one, proven.inputs, flipped), false)
      const others = [word ^ 1n, baseOrder - word, word + baseOrder, 0n, (1n << 256n) - 1n]
      for (const other of others.filter((value) => value !== word && value < 1n << 256n)) {
        const proof = bytesOfWords(words.with(i, other))
        const verdict = verifyProof(curve, pinned.key, proven.inputs, proof)
        assert.equal(verdict.ok, false, `word ${i}: ${other}`)
      }
    }
  })

  it('is refused in any other length, and with more or fewer inputs', async () => {
    const one = found()
    const { inputs, proof } = one.proven
    const extra = concatBytes(proof, new Uint8Array(32))
    for (const bytes of [new Uint8Array(), proof.subarray(1), proof.subarray(32), extra])
      assert.equal(await moduleVerdict(one, inputs, bytes), 'zk/malformedProof')
    for (const wrong of [[], inputs.slice(1), [...inputs, 0n]])
      assert.equal(await moduleVerdict(one, wrong, proof), 'zk/inputCount')
  })

  it('has the key that the sources give', async () => {
    const { zkey } = await devnetArtefacts(circuit, protocol)
    assert.deepEqual(await zKey.exportVerificationKey(zkey), found().pinned.json)
  })
})

describe('Groth16', () => {
  it('is what snarkjs accepts', async () => {
    const { pinned, proven } = cases.get('sudoku groth16')!
    const w = wordsOf(proven.proof, 8)!.map(String)
    const proof = {
      pi_a: [w[0], w[1], '1'],
      pi_b: [[w[3], w[2]], [w[5], w[4]], ['1', '0']], // biome-ignore format: pairs
      pi_c: [w[6], w[7], '1'],
      ...{ protocol: 'groth16', curve: 'bn128' },
    }
    const inputs = proven.inputs.map(String)
    assert.ok(await groth16.verify(pinned.json as never, inputs, proof as never))
  })

  it('lets anybody make other bytes that prove the same', async () => {
    const one = cases.get('membership groth16')!
    const { proven, pinned } = one
    const again = rerandomised(proven.proof, wordsOf(pinned.bytes, pinned.bytes.length / 32)!)
    assert.notDeepEqual(again, proven.proof)
    assert.ok(verifyProof(curve, pinned.key, proven.inputs, again).ok)
    assert.equal(await moduleVerdict(one, proven.inputs, again), '')
    assert.ok(await contractVerdict(one, proven.inputs, again))
  })

  it('hides the witness: one statement, fresh randomness, and nothing that repeats', async () => {
    const one = cases.get('sudoku groth16')!
    const again = await proofOf('sudoku', sampleInput('sudoku'))
    assert.deepEqual(again.inputs, one.proven.inputs)
    const [first, second] = [one.proven.proof, again.proof].map((proof) => wordsOf(proof, 8)!)
    assert.equal(first!.filter((word) => second!.includes(word)).length, 0)
  })
})

describe('zero knowledge', () => {
  const blank: Grid = new Array<number>(81).fill(0)
  // Two solutions of the puzzle without digits: one statement, two witnesses.
  const witnesses = [sampleSolution, sampleSolution.map((digit) => 10 - digit)]

  it('makes proofs that do not show which witness made them', async () => {
    const { key } = await pinnedKey('sudoku')
    const made = await Promise.all(
      [0, 0, 1, 1].map((i) => proofOf('sudoku', sudokuInput(blank, witnesses[i]!))),
    )
    for (const { inputs, proof } of made) {
      assert.deepEqual(inputs, packGrid(blank))
      assert.ok(verifyProof(curve, key, inputs, proof).ok)
    }
    // Proofs of one witness are as different as those of two: no word comes twice.
    const words = made.flatMap(({ proof }) => wordsOf(proof, 8)!)
    assert.equal(new Set(words).size, words.length)
  })

  it('leaves nothing of a witness in what is handed out', () => {
    for (const [circuit, hidden] of [
      ['membership', [sampleSecrets[1]!]],
      ['private-prediction', [sampleModel.salt]],
      ['sudoku', packGrid(sampleSolution)],
    ] as const) {
      const { proven } = cases.get(`${circuit} groth16`)!
      const text = encodeZkProof({ circuit, ...proven })
      for (const value of hidden) {
        assert.ok(!text.includes(`"${value}"`) && !proven.inputs.includes(value), circuit)
        const word = toHex(bytesOfWords([value])).slice(2)
        assert.ok(!toHex(proven.proof).includes(word), circuit)
      }
    }
  })
})

/** A' = A/r, B' = r·B + r·s·δ, C' = C + s·A: the same statement. */
function rerandomised(proof: Uint8Array, key: readonly bigint[]): Uint8Array {
  const { G1, G2, fields } = bn254
  const [r, s] = [12_345n, 678n]
  const w = wordsOf(proof, 8)!
  const g2 = (at: readonly bigint[]) =>
    G2.Point.fromAffine({ x: { c0: at[1]!, c1: at[0]! }, y: { c0: at[3]!, c1: at[2]! } })
  const a = G1.Point.fromAffine({ x: w[0]!, y: w[1]! })
  const b = g2(w.slice(2, 6))
    .multiply(r)
    .add(g2(key.slice(10, 14)).multiply(r * s))
  const c = G1.Point.fromAffine({ x: w[6]!, y: w[7]! }).add(a.multiply(s))
  const [pa, pb, pc] = [a.multiply(fields.Fr.inv(r)).toAffine(), b.toAffine(), c.toAffine()]
  return bytesOfWords([...[pa.x, pa.y, pb.x.c1, pb.x.c0, pb.y.c1, pb.y.c0], ...[pc.x, pc.y]])
}

describe('the module', () => {
  it('names a key by its content, once', async () => {
    const { pinned } = cases.get('sudoku groth16')!
    const receipt = await send(
      moduleAddresses.verifiers,
      registerData('groth16', toHex(pinned.bytes)),
    )
    assert.equal(receipt.succeeded, false)
    const data = encodeFunctionData({ abi: verifiersAbi, functionName: 'key', args: [pinned.name] })
    const outcome = await ask(moduleAddresses.verifiers, data)
    const found = decodeFunctionResult({
      abi: verifiersAbi,
      functionName: 'key',
      data: returnedBy(outcome),
    })
    assert.equal(found.key, toHex(pinned.bytes))
    assert.equal(found.registrant.toLowerCase(), addressOfKey(alice))
    assert.deepEqual([found.protocol, found.inputs], [0, 2])
  })

  it('refuses keys with points off the curve, outside the subgroup, or missing', async () => {
    for (const protocol of protocols) {
      const { pinned } = cases.get(`sudoku ${protocol}`)!
      const words = wordsOf(pinned.bytes, pinned.bytes.length / 32)!
      // Numbers of a PLONK key other than its points may be anything in range.
      const places = words.map((_, i) => i).slice(protocol === 'plonk' ? 4 : 0)
      const bad = places.flatMap((i) =>
        [words[i]! ^ 1n, 0n, baseOrder].map((word) => bytesOfWords(words.with(i, word))),
      )
      const accepted = bad.filter((bytes) => parseKey(curve, protocol, bytes).ok)
      assert.deepEqual(accepted, [])
      for (const bytes of [new Uint8Array(), pinned.bytes.subarray(32), new Uint8Array(100_000)])
        assert.equal(parseKey(curve, protocol, bytes).ok, false)
    }
  })

  it('refuses a point of the twist outside the subgroup, in proofs as in keys', async () => {
    const { pinned, proven } = cases.get('sudoku groth16')!
    const outside = pointOutside()
    const words = wordsOf(proven.proof, 8)!
    const proof = bytesOfWords([...words.slice(0, 2), ...outside, ...words.slice(6)])
    for (const judge of [curve, nobleCurve]) {
      const verdict = verifyProof(judge, pinned.key, proven.inputs, proof)
      assert.deepEqual(verdict, { ok: false, fault: { code: 'zk/malformedProof', word: 2n } })
    }
    const key = wordsOf(pinned.bytes, pinned.bytes.length / 32)!
    const bad = bytesOfWords([...key.slice(0, 6), ...outside, ...key.slice(10)])
    assert.equal(parseKey(curve, 'groth16', bad).ok, false)
    const receipt = await send(moduleAddresses.verifiers, registerData('groth16', toHex(bad)))
    assert.equal(receipt.succeeded, false)
  })

  it('gives every proof a verdict, and the one that the portable curve gives', () => {
    const rounds = Number(process.env.WAGGLE_ZK_FUZZ ?? 40)
    const roll = dice('fuzz')
    for (let i = 0; i < rounds; i++) {
      const { pinned, proven } = [...cases.values()][roll(cases.size)]!
      const proof = Uint8Array.from(proven.proof)
      for (let flips = 1 + roll(3); flips > 0; flips--) proof[roll(proof.length)]! ^= 1 << roll(8)
      const cut = roll(10) === 0 ? proof.subarray(0, roll(proof.length)) : proof
      const inputs = proven.inputs.map((value) => (roll(8) === 0 ? value + 1n : value))
      const verdicts = [curve, nobleCurve].map((judge) =>
        verifyProof(judge, pinned.key, inputs, cut),
      )
      assert.deepEqual(verdicts[0], verdicts[1])
      assert.equal(verdicts[0]!.ok, false)
    }
  })
})

/** A point of the twist of the wrong order: the first x = (n, 1) with a square root. */
function pointOutside(): readonly bigint[] {
  const { Fp2 } = bn254.fields
  const b = Fp2.div(Fp2.create({ c0: 3n, c1: 0n }), Fp2.create({ c0: 9n, c1: 1n }))
  for (let n = 1n; ; n++) {
    const x = Fp2.create({ c0: n, c1: 1n })
    const right = Fp2.add(Fp2.mul(Fp2.sqr(x), x), b)
    try {
      const y = Fp2.sqrt(right)
      return [x.c1, x.c0, y.c1, y.c0]
    } catch {
      // No root: the next one.
    }
  }
}

describe('PLONK', () => {
  it('is what snarkjs accepts', async () => {
    const { pinned, proven } = cases.get('sudoku plonk')!
    const w = wordsOf(proven.proof, 24)!.map(String)
    const point = (i: number) => [w[2 * i]!, w[2 * i + 1]!, '1']
    const points = ['A', 'B', 'C', 'Z', 'T1', 'T2', 'T3', 'Wxi', 'Wxiw'].map((f, i) => [
      f,
      point(i),
    ])
    const values = ['a', 'b', 'c', 's1', 's2', 'zw'].map((f, i) => [`eval_${f}`, w[18 + i]!])
    const proof = {
      ...Object.fromEntries([...points, ...values]),
      ...{ protocol: 'plonk', curve: 'bn128' },
    }
    assert.ok(await plonk.verify(pinned.json as never, proven.inputs.map(String), proof as never))
  })
})
