/**
 * One dataset: its shape, its owner, and what was trained on it.
 */
import type { VNode } from 'preact'
import type { DatasetWire } from '../../../client/wire.ts'
import { layersText } from '../derive.ts'
import { bytesText, countText, num } from '../format.ts'
import { jobs } from '../net/live.ts'
import { node, useQuery } from '../net/node.ts'
import { useStore } from '../net/store.ts'
import { datasetTermsText } from '../terms.ts'
import { FullHash, HashText, Untrusted, Who } from '../ui/identity.tsx'
import { Badge, Card, Empty, Facts, PageHead, Pending, Table } from '../ui/parts.tsx'
import { toneOf } from './jobs.tsx'
import type { PageProps } from './registry.ts'

export function DatasetPage({ params }: PageProps): VNode {
  const root = params.root!
  const found = useQuery(() => node.call<DatasetWire | null>('data_getDataset', root), [root])
  const all = useStore(jobs)
  if (found.data === null)
    return <Pending query={found} nothing="No dataset of this root is registered." />
  const { title, blob, owner, rows, features, classes, size, terms, joint } = found.data
  const trained = all.filter(({ definition }) => definition.dataset === root).toReversed()
  return (
    <>
      <PageHead
        crumb={
          <>
            <a href="/data">Data and models</a> / dataset
          </>
        }
        title={<Untrusted text={title} />}
      />
      <Card title="What it is">
        <Facts
          facts={[
            ['Root', <FullHash key="root" hash={root} what="the root" />],
            ['Rows', countText(num(rows))],
            ['Features', countText(num(features))],
            ['Classes', countText(num(classes))],
            ...(joint === undefined
              ? ([
                  ['Owner', <Who key="owner" address={owner} />],
                  ['Terms', datasetTermsText(terms)],
                  ['Blob', <HashText key="blob" hash={blob} kept={10} />],
                  [
                    'Here',
                    size === null ? (
                      'this node does not hold the rows'
                    ) : (
                      <a href={`/blob/${blob}`} download={`${root.slice(0, 10)}.rows`}>
                        download {bytesText(num(size))}
                      </a>
                    ),
                  ],
                ] as const)
              : ([['Rows of', <Parts key="parts" parts={joint.parts} />]] as const)),
          ]}
        />
      </Card>
      <Card title="Trained on it" aside={countText(trained.length)} flush>
        {trained.length === 0 ? (
          <Empty>Nothing yet.</Empty>
        ) : (
          <Table label="Jobs on this dataset" columns={['Job', 'Model', 'Status', 'Owner']}>
            {trained.slice(0, 100).map((job) => (
              <tr key={job.id}>
                <td>
                  <HashText hash={job.id} to={`/job/${job.id}`} kept={4} />
                </td>
                <td>{layersText(job)}</td>
                <td>
                  <Badge tone={toneOf[job.status]}>{job.status}</Badge>
                </td>
                <td>
                  <Who address={job.definition.owner} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Card>
    </>
  )
}

/** The datasets that a joint one is made of, each with its own owner and terms. */
function Parts({ parts }: { readonly parts: NonNullable<DatasetWire['joint']>['parts'] }): VNode {
  return (
    <ul>
      {parts.map(({ root, title, rows }) => (
        <li key={root}>
          <a href={`/dataset/${root}`}>
            <Untrusted text={title} />
          </a>{' '}
          <span class="soft small">{countText(num(rows))} rows</span>
        </li>
      ))}
    </ul>
  )
}
