/**
 * Verification keys that a chain starts with. Each is pinned by its name, a digest of its content, and
 * parsed before anything rests on it.
 */
import type { GenesisKey } from '../params/genesis.ts'
import { zeroAddress } from '../primitives/address.ts'
import { fromHex, type Hex } from '../primitives/bytes.ts'
import { describeFault } from '../primitives/result.ts'
import type { PrivateFacts } from '../registry/records.ts'
import { registerKey } from '../registry/verificationKeys.ts'
import { loadCurve } from '../zk/mclCurve.ts'
import { keyName, parseKey, protocols, publicInputsOf } from '../zk/verifier.ts'

/**
 * Register what anybody else would have to register by transaction; the registrant is the zero address.
 *
 * @throws {Error} if a name is not its key's digest, a key is malformed, or one is named twice.
 */
export async function registerGenesisKeys(
  world: PrivateFacts,
  keys: readonly GenesisKey[],
): Promise<void> {
  for (const [i, { name, protocol, key }] of keys.entries()) {
    const field = `genesis: verificationKeys.${i}`
    const bytes = fromHex(key as Hex)
    const found = keyName(protocol, bytes)
    if (found !== name) throw new Error(`${field}.name is not its digest, ${found}`)
    const parsed = parseKey(await loadCurve(), protocol, bytes)
    if (!parsed.ok) throw new Error(`${field}.key is refused: ${describeFault(parsed.fault)}`)
    const inputs = publicInputsOf(parsed.value)
    const record = { name, protocol: protocols.indexOf(protocol), inputs, bytes }
    const registered = await registerKey(world, { ...record, registrant: zeroAddress })
    if (!registered.ok) throw new Error(`${field} is named twice`)
  }
}
