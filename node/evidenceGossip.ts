/**
 * Evidence travels by gossip: whoever finds an offence tells everybody, so that the next proposer can
 * have it punished, not only a proposer that saw it.
 */
import type { Host } from '../network/host.ts'
import type { EvidencePool } from './evidencePool.ts'

const topic = 'evidence'

/** Before the host starts. */
export function gossipEvidence(
  host: Pick<Host, 'publish' | 'subscribe'>,
  pool: Pick<EvidencePool, 'take' | 'onFound'>,
): void {
  host.subscribe(topic, (_peer, bytes) => pool.take(bytes))
  pool.onFound((bytes) => {
    host.publish(topic, bytes)
  })
}
