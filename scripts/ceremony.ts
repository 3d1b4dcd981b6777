// Keys of the circuits.
//
//   node scripts/ceremony.ts devnet [--check]               (re)write circuits/keys, or compare with it
//   node scripts/ceremony.ts begin CIRCUIT PTAU OUT         first key of a real second phase
//   node scripts/ceremony.ts contribute IN OUT NAME         add this machine's randomness
//   node scripts/ceremony.ts finish IN OUT BEACON           add a public beacon (hex), drawn after the last contribution
//   node scripts/ceremony.ts verify CIRCUIT PTAU KEY        check every contribution; print the transcript
//
// A real ceremony needs one honest contributor who forgets the randomness. PTAU is a prepared file of a
// public powers-of-tau ceremony. The devnet's keys are made from a public text: forgeable by everybody.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { zKey } from 'snarkjs'
import { toHex } from '../primitives/bytes.ts'
import { compiledCircuit, devnetArtefacts } from '../zk/artefacts.ts'
import { type CircuitName, circuitNames, circuits } from '../zk/circuits.ts'
import { keyBytesOf } from '../zk/snarkjsJson.ts'
import { keyName } from '../zk/verifier.ts'

const keys = join(import.meta.dirname, '..', 'circuits', 'keys')
/** The beacon is hashed 2^10 times, as public ceremonies of small groups do. */
const beaconRounds = 10

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false } },
})
const [verb, ...args] = positionals
const lines: string[] = []
const hear = (said: string) => {
  lines.push(said)
}
const logger = { debug: () => {}, info: hear, warn: hear, error: hear }

process.exit(await run())

async function run(): Promise<number> {
  switch (verb) {
    case 'devnet':
      return devnet(values.check)
    case 'begin':
      return begin(circuitOf(args[0]), args[1]!, args[2]!)
    case 'contribute':
      return tell(await zKey.contribute(args[0]!, args[1]!, args[2]!, entropy(), logger))
    case 'finish':
      return tell(
        await zKey.beacon(args[0]!, args[1]!, 'beacon', args[2]!, beaconRounds as never, logger),
      )
    case 'verify':
      return verify(circuitOf(args[0]), args[1]!, args[2]!)
    default:
      process.stderr.write(
        'devnet | begin | contribute | finish | verify; see the head of this file\n',
      )
      return 2
  }
}

/** From the operating system, once; snarkjs mixes in as much again, and nothing of it is kept. */
function entropy(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(32)))
}

function circuitOf(name: string | undefined): CircuitName {
  const found = circuitNames.find((one) => one === name)
  if (found === undefined)
    throw new Error(`no circuit ${name}; there are ${circuitNames.join(', ')}`)
  return found
}

async function begin(name: CircuitName, ptau: string, out: string): Promise<number> {
  const { r1cs } = await compiledCircuit(name)
  return tell(await zKey.newZKey(r1cs, ptau, out, logger as never))
}

async function verify(name: CircuitName, ptau: string, key: string): Promise<number> {
  const { r1cs } = await compiledCircuit(name)
  const sound = await zKey.verifyFromR1cs(r1cs, ptau, key, logger as never)
  tell(null)
  const json = await zKey.exportVerificationKey(key)
  process.stdout.write(`${sound ? 'sound' : 'REFUSED'}: ${nameOf(json)}\n`)
  return sound ? 0 : 1
}

/** What snarkjs said: the hashes of circuit, contributions and result. */
function tell(hash: unknown): number {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  if (hash instanceof Uint8Array) process.stdout.write(`contribution ${toHex(hash)}\n`)
  return 0
}

async function devnet(check: boolean): Promise<number> {
  await mkdir(keys, { recursive: true })
  const names: Record<string, string> = {}
  let same = true
  for (const name of circuitNames)
    for (const protocol of circuits[name].protocols) {
      const { zkey } = await devnetArtefacts(name, protocol)
      const json = await zKey.exportVerificationKey(zkey)
      const file = protocol === 'groth16' ? name : `${name}-${protocol}`
      names[file] = nameOf(json)
      same = (await keep(`${file}.json`, json, check)) && same
      process.stdout.write(`${names[file]} ${file}\n`)
    }
  same = (await keep('names.json', names, check)) && same
  if (!same) process.stderr.write('circuits/keys differs from what the sources give\n')
  return same ? 0 : 1
}

async function keep(file: string, json: object, check: boolean): Promise<boolean> {
  const text = `${JSON.stringify(json, null, 2)}\n`
  const path = join(keys, file)
  if (check) return (await readFile(path, 'utf8')) === text
  await writeFile(path, text)
  return true
}

function nameOf(json: unknown): string {
  const key = keyBytesOf(json)
  if (!key.ok) throw new Error(`snarkjs wrote a key without ${key.fault.field}`)
  return keyName(key.value.protocol, key.value.bytes)
}
