/**
 * One certificate: what was claimed, what it was paid, and the claim checked here.
 */
import type { VNode } from 'preact'
import type { CertificateWire, JobWire, ProofWire } from '../../../client/wire.ts'
import type { Hash } from '../../../primitives/hash.ts'
import { layersText } from '../derive.ts'
import { bytesText, coinsText, countText, num } from '../format.ts'
import { fetchBlockRow } from '../net/live.ts'
import { node, useQuery } from '../net/node.ts'
import { FullHash, HashText, Who } from '../ui/identity.tsx'
import { Card, type Fact, Facts, PageHead, Pending } from '../ui/parts.tsx'
import { Age } from '../ui/time.tsx'
import { VerifyCertificate } from '../verify/verifyCard.tsx'
import type { PageProps } from './registry.ts'

type Known = {
  readonly certificate: CertificateWire
  readonly job: JobWire
  /** Unix seconds of its block. */
  readonly time: number
  /** Null where this node does not keep it. */
  readonly proof: ProofWire | null
}

export function CertificatePage({ params }: PageProps): VNode {
  const [job, range] = [params.job!.toLowerCase(), Number(params.range)]
  const known = useQuery(() => fetchKnown(job, range), [job, range])
  if (known.data === null)
    return <Pending query={known} nothing="This range has no certificate (yet)." />
  const { certificate, time } = known.data
  const leaseSteps = num(known.data.job.definition.leaseSteps)
  const first = range * leaseSteps + 1
  return (
    <>
      <PageHead
        crumb={
          <>
            <a href="/jobs">Jobs</a> / <a href={`/job/${job}`}>{layersText(known.data.job)}</a> /
            range {countText(range)}
          </>
        }
        title={`Steps ${countText(first)} to ${countText(first + num(certificate.steps) - 1)}`}
      >
        <span class="soft">
          certified <Age at={time} />
        </span>
      </PageHead>
      <div class="columns">
        <Claim known={known.data} />
        <VerifyCertificate job={certificate.job as Hash} range={range} />
      </div>
    </>
  )
}

async function fetchKnown(job: string, range: number): Promise<Known | null> {
  const certificate = await node.call<CertificateWire | null>('train_getCertificate', job, range)
  if (certificate === null) return null
  const [found, row, proof] = await Promise.all([
    node.call<JobWire | null>('train_getJob', job),
    fetchBlockRow(num(certificate.blockNumber)),
    node.call<ProofWire | null>('train_getProof', job, range),
  ])
  return found === null ? null : { certificate, job: found, time: row?.timestamp ?? 0, proof }
}

function Claim({ known: { certificate, job, proof } }: { readonly known: Known }): VNode {
  const { losses } = certificate
  const batch = num(job.definition.batch)
  const lossText = (loss: (typeof losses)[number] | undefined) =>
    loss === undefined ? '–' : countText(num(loss) / batch)
  return (
    <Card title="Claim">
      <Facts
        facts={[
          ['Worker', <Who key="worker" address={certificate.worker} kept={6} />],
          [
            'Settled in',
            <a key="block" href={`/block/${num(certificate.blockNumber)}`}>
              block {countText(num(certificate.blockNumber))}
            </a>,
          ],
          [
            'Transaction',
            <HashText
              key="transaction"
              hash={certificate.transactionHash}
              to={`/transaction/${certificate.transactionHash}`}
              kept={8}
            />,
          ],
          ['Fee', `${coinsText(BigInt(certificate.fee))} coins`],
          ['Loss a row', `${lossText(losses[0])} to ${lossText(losses.at(-1))}`],
          ...proofFacts(job, proof),
          [
            'Weights after',
            <FullHash key="after" hash={certificate.stateAfter} what="the commitment" />,
          ],
          ['Sidecar', <HashText key="sidecar" hash={certificate.sidecar} kept={8} />],
          [
            'Their bytes',
            <a
              key="weights"
              href={`/blob/${certificate.weights}`}
              download={`${certificate.job.slice(0, 10)}-${num(certificate.range)}.weights`}
            >
              download
            </a>,
          ],
        ]}
      />
    </Card>
  )
}

function proofFacts({ definition }: JobWire, proof: ProofWire | null): readonly Fact[] {
  if (definition.proofKind === 'replay') return [['Proof', 'none: judges train the range again']]
  if (proof === null) return [['Proof', `${definition.proofKind}, not kept by this node`]]
  const { size, soundnessBits, proveMs, verifyMs } = proof
  const times = [
    ...(proveMs === null ? [] : [`made in ${countText(num(proveMs))} ms`]),
    ...(verifyMs === null ? [] : [`judged in ${countText(num(verifyMs))} ms`]),
  ]
  return [
    ['Proof', definition.proofKind],
    ['Proof size', bytesText(num(size))],
    ['Soundness', soundnessBits === null ? 'unknown' : `${num(soundnessBits)} bits`],
    ...(times.length === 0 ? [] : ([['By this node', times.join(', ')]] as const)),
  ]
}
