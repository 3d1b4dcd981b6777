/**
 * `waggle zk`: proofs of private facts, made and judged on this machine, or judged by a node.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Argument, type Command, Option } from 'commander'
import { moduleAddresses } from '../../params/protocol.ts'
import { toHex } from '../../primitives/bytes.ts'
import { describeFault } from '../../primitives/result.ts'
import { verifiersAbi } from '../../vm/modules/verifiersAbi.ts'
import { devnetArtefacts } from '../../zk/artefacts.ts'
import { type CircuitInput, type CircuitName, circuitNames, circuits } from '../../zk/circuits.ts'
import { loadCurve } from '../../zk/mclCurve.ts'
import { prove } from '../../zk/prover.ts'
import { sampleInput } from '../../zk/samples.ts'
import { keyBytesOf } from '../../zk/snarkjsJson.ts'
import { keyName, type Protocol, parseKey, protocols, verifyProof } from '../../zk/verifier.ts'
import { httpUrl } from '../arguments.ts'
import { diskFailure, fail, orFail } from '../failure.ts'
import type { Io } from '../io.ts'
import { startProgress } from '../progress.ts'
import { createReport } from '../report.ts'
import { connect } from '../rpc.ts'
import { fields } from '../table.ts'
import { decodeCircuitInput, decodeZkProof, encodeZkProof, type ZkProofFile } from '../zkFile.ts'

type ProveFlags = { readonly output: string; readonly protocol: Protocol; readonly json?: true }
type VerifyFlags = { readonly rpc?: string; readonly key?: string; readonly json?: true }

const keys = join(import.meta.dirname, '..', '..', 'circuits', 'keys')

const proveExamples = `
Examples:
  $ waggle zk prove sudoku sample -o sudoku.json
  $ waggle zk prove membership me.json -o vote.json

The input is a JSON file of the circuit's signals, or the word sample for one that is true. Proving
happens here and shows the input to nobody. Keys are the devnet's: whoever wants to can forge under
them, so they are for trying out. The first proof of a circuit compiles it, some seconds.`

const verifyExamples = `
Examples:
  $ waggle zk verify sudoku sudoku.json
  $ waggle zk verify sudoku sudoku.json --rpc http://127.0.0.1:8545

With --rpc the node's Verifiers module judges, under the key of the same name, if it is registered.`

const circuitArgument = () =>
  new Argument('<circuit>', 'which kind of fact').choices([...circuitNames])

export function addZk(program: Command, io: Io): void {
  const zk = program.command('zk').description('proofs of facts that stay private')
  zk.command('prove')
    .description('prove a fact into a file')
    .addArgument(circuitArgument())
    .argument('<input>', 'JSON file of signals, or sample')
    .requiredOption('-o, --output <file>', 'where to write the proof')
    .addOption(
      new Option('--protocol <name>', 'proof system').choices([...protocols]).default('groth16'),
    )
    .option('--json', 'print a JSON line')
    .addHelpText('after', proveExamples)
    .action((circuit: CircuitName, input: string, flags: ProveFlags) =>
      proveFact(circuit, input, flags, io),
    )
  zk.command('verify')
    .description('judge a proof')
    .addArgument(circuitArgument())
    .argument('<proof>', 'file that waggle zk prove wrote')
    .option('--key <file>', "a verification key of snarkjs instead of the devnet's")
    .option('--rpc <url>', 'let this node judge', httpUrl)
    .option('--json', 'print a JSON line')
    .addHelpText('after', verifyExamples)
    .action((circuit: CircuitName, path: string, flags: VerifyFlags) =>
      verifyFact(circuit, path, flags, io),
    )
}

async function proveFact(
  circuit: CircuitName,
  path: string,
  { output, protocol, json }: ProveFlags,
  io: Io,
): Promise<void> {
  if (!circuits[circuit].protocols.includes(protocol))
    return fail({
      what: `${circuit} has no ${protocol} key`,
      why: `its keys are for ${circuits[circuit].protocols.join(', ')}`,
      next: 'leave out --protocol',
    })
  const input = await readInput(circuit, path)
  const progress = startProgress(io, { label: 'proving', total: 100, unit: 'steps' })
  const started = io.clock.now()
  try {
    const artefacts = await devnetArtefacts(circuit, protocol)
    const proven = await prove(artefacts, input, {
      protocol,
      progress: (fraction) => progress.update(Math.round(100 * fraction)),
      signal: io.stopped,
    })
    const next = 'check the input: only a true statement has a proof'
    const value = orFail(proven, `no proof of ${circuit}`, next)
    await writeFile(output, encodeZkProof({ circuit, ...value })).catch((error: unknown) => {
      throw diskFailure(error, `cannot write ${output}`, 'choose another file with -o')
    })
    const ms = Math.round(io.clock.now() - started)
    const inputs = publicsOf(circuit, value.inputs)
    createReport(io, { json }).result({ circuit, protocol, ms, file: output, inputs }, () =>
      fields(io, [
        ['proved', `${circuits[circuit].summary} (${value.proof.length} bytes, ${ms} ms)`],
        ...Object.entries(inputs).map(([name, text]) => [name, text] as const),
        ['file', output],
      ]),
    )
  } finally {
    progress.end()
  }
}

async function readInput(circuit: CircuitName, path: string): Promise<CircuitInput> {
  if (path === 'sample') return sampleInput(circuit)
  const next = 'write a JSON object of signals: numbers, or lists of numbers'
  return orFail(decodeCircuitInput(await readText(path)), `cannot use ${path}`, next)
}

async function verifyFact(
  circuit: CircuitName,
  path: string,
  flags: VerifyFlags,
  io: Io,
): Promise<void> {
  const next = 'make one with `waggle zk prove`'
  const file = orFail(decodeZkProof(await readText(path)), `cannot use ${path}`, next)
  if (file.circuit !== circuit)
    return fail({
      what: `${path} is no proof of ${circuit}`,
      why: `it is one of ${file.circuit}`,
      next: `verify it with \`waggle zk verify ${file.circuit} ${path}\``,
    })
  const key = await keyOf(file, flags.key)
  const name = keyName(file.protocol, key)
  const fault =
    flags.rpc === undefined ? await judge(file, key) : await askChain(file, name, flags.rpc)
  if (fault !== '')
    return fail({
      what: 'the proof is refused',
      why: fault,
      next: 'ask its author for another, or check the key with --key',
    })
  const inputs = publicsOf(circuit, file.inputs)
  createReport(io, flags).result({ circuit, valid: true, key: name, inputs }, () =>
    fields(io, [
      ['valid', circuits[circuit].summary],
      ...Object.entries(inputs).map(([field, text]) => [field, text] as const),
      ['key', name],
    ]),
  )
}

/** The key's canonical bytes: a file's, or the devnet's. */
async function keyOf({ circuit, protocol }: ZkProofFile, path?: string): Promise<Uint8Array> {
  const pinned = join(keys, `${protocol === 'groth16' ? circuit : `${circuit}-${protocol}`}.json`)
  const file = path ?? pinned
  const next = 'export one with `snarkjs zkey export verificationkey`'
  const json = parsedJson(await readText(file))
  const encoded = orFail(keyBytesOf(json), `cannot use ${file}`, next)
  if (encoded.protocol === protocol) return encoded.bytes
  const why = `it is for ${encoded.protocol}, the proof is ${protocol}`
  return fail({ what: `cannot use ${file}`, why, next })
}

/** Empty for a right proof, else why it is refused. */
async function judge({ protocol, inputs, proof }: ZkProofFile, key: Uint8Array): Promise<string> {
  const curve = await loadCurve()
  const parsed = parseKey(curve, protocol, key)
  if (!parsed.ok) return describeFault(parsed.fault)
  const verdict = verifyProof(curve, parsed.value, inputs, proof)
  return verdict.ok ? '' : describeFault(verdict.fault)
}

async function askChain(
  { inputs, proof }: ZkProofFile,
  name: ReturnType<typeof keyName>,
  url: string,
): Promise<string> {
  const { client } = await connect(url)
  const [valid, fault] = await client.readContract({
    address: moduleAddresses.verifiers,
    abi: verifiersAbi,
    functionName: 'verify',
    args: [name, [...inputs], toHex(proof)],
  })
  return valid ? '' : fault
}

/** The public numbers by name. */
function publicsOf(circuit: CircuitName, inputs: readonly bigint[]): Record<string, string> {
  const { publics } = circuits[circuit]
  return Object.fromEntries(inputs.map((value, i) => [publics[i] ?? `[${i}]`, String(value)]))
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw diskFailure(error, `cannot read ${path}`, 'check the name of the file')
  })
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
