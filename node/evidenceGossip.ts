/**
 * Evidence travels by gossip: whoever finds an offence tells everybody, so that the next proposer can
 * have it punished, not only a proposer that saw it. Whoever connects later is told what no block holds
 * yet: the finder may have been alone, or cut off.
 */
import type { Host } from '../network/host.ts'
import type { EvidencePool } from './evidencePool.ts'

/** Of gossip, and of messages to a single peer. */
export const evidenceTopic = 'evidence'

/** Points for false evidence: two pieces within a minute ban. */
const falseEvidencePoints = 60

type EvidenceHost = Pick<Host, 'publish' | 'subscribe' | 'send' | 'on' | 'onConnect' | 'penalize'>

/** Before the host starts. */
export function gossipEvidence(
  host: EvidenceHost,
  pool: Pick<EvidencePool, 'take' | 'onFound' | 'kept'>,
): void {
  host.subscribe(evidenceTopic, (_peer, bytes) => pool.take(bytes))
  pool.onFound((bytes) => {
    host.publish(evidenceTopic, bytes)
  })
  host.onConnect(({ id }) => {
    for (const bytes of pool.kept()) host.send(id, evidenceTopic, bytes)
  })
  host.on(evidenceTopic, async (peer, bytes) => {
    const verdict = await pool.take(bytes)
    if (verdict === 'relay') host.publish(evidenceTopic, bytes)
    if (verdict === 'punish') host.penalize(peer, falseEvidencePoints, 'false evidence')
  })
}
