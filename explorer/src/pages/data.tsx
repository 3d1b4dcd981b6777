/**
 * What can be trained on and what was trained: datasets, models, and which came of which.
 */
import type { VNode } from 'preact'
import type { DatasetWire, ModelWire, PageWire } from '../../../client/wire.ts'
import type { Hex } from '../../../primitives/bytes.ts'
import { bytesText, countOf, countText, num } from '../format.ts'
import { head } from '../net/live.ts'
import { node, useQuery } from '../net/node.ts'
import { useStore } from '../net/store.ts'
import { datasetTermsText, modelTermsText } from '../terms.ts'
import { HashText, Untrusted, Who } from '../ui/identity.tsx'
import { Lineage } from '../ui/lineage.tsx'
import { Card, Empty, PageHead, Pending, Table } from '../ui/parts.tsx'

/** Most entries that one page shows of each list. */
const shown = 300

export function DataPage(): VNode {
  // The registry changes with blocks; asked again with every eighth.
  const height = useStore(head) >> 3
  const datasets = useQuery(() => fetchAll<DatasetWire>('data_listDatasets'), [height])
  const models = useQuery(() => fetchAll<ModelWire>('data_listModels'), [height])
  return (
    <>
      <PageHead
        title="Data and models"
        lede="Datasets are named by the Merkle root over their rows; models by the job that trained them. Titles are their owners' words."
      />
      <Card title="Lineage">
        {datasets.data === null || models.data === null ? (
          <Pending query={datasets} />
        ) : (
          <Lineage datasets={datasets.data} models={models.data} />
        )}
      </Card>
      <Card title="Datasets" aside={countText(datasets.data?.length ?? 0)} flush>
        <Datasets items={datasets.data ?? []} />
      </Card>
      <Card title="Models" aside={countText(models.data?.length ?? 0)} flush>
        <Models items={models.data ?? []} />
      </Card>
    </>
  )
}

async function fetchAll<T>(method: string): Promise<readonly T[]> {
  const all: T[] = []
  for (let cursor: Hex | null = '0x0'; cursor !== null && all.length < shown; ) {
    const page: PageWire<T> = await node.call(method, { cursor, limit: 100 })
    all.push(...page.items)
    cursor = page.next
  }
  return all
}

function Datasets({ items }: { readonly items: readonly DatasetWire[] }): VNode {
  if (items.length === 0)
    return <Empty>No dataset yet. Register rows with `waggle dataset add`.</Empty>
  return (
    <Table
      label="Datasets"
      columns={['Title', 'Root', 'Rows#', 'Features#', 'Classes#', 'Owner', 'Terms', 'Here#']}
    >
      {items.map((one) => (
        <tr key={one.root}>
          <td>
            <a href={`/dataset/${one.root}`}>
              <Untrusted text={one.title} />
            </a>
          </td>
          <td>
            <HashText hash={one.root} to={`/dataset/${one.root}`} kept={4} />
          </td>
          <td class="number">{countText(num(one.rows))}</td>
          <td class="number">{countText(num(one.features))}</td>
          <td class="number">{countText(num(one.classes))}</td>
          <td>{one.joint === undefined ? <Who address={one.owner} /> : 'those of its parts'}</td>
          <td>{datasetTermsText(one.terms)}</td>
          <td class="number">{hereText(one)}</td>
        </tr>
      ))}
    </Table>
  )
}

/** A joint dataset's rows are those of its parts. */
function hereText({ size, joint }: DatasetWire): string {
  if (joint !== undefined) return `in ${countOf(joint.parts.length, 'part')}`
  return size === null ? 'no' : bytesText(num(size))
}

function Models({ items }: { readonly items: readonly ModelWire[] }): VNode {
  if (items.length === 0) return <Empty>No job has finished yet.</Empty>
  return (
    <Table
      label="Models"
      columns={['Model', 'Trained on', 'From', 'Owner', 'Terms', 'Since#', 'Weights#']}
    >
      {items.map((one) => (
        <tr key={one.job}>
          <td>
            <HashText hash={one.job} to={`/job/${one.job}`} kept={4} />
          </td>
          <td>
            <HashText hash={one.dataset} to={`/dataset/${one.dataset}`} kept={4} />
          </td>
          <td>
            {one.parent === null ? (
              'random weights'
            ) : (
              <HashText hash={one.parent} to={`/job/${one.parent}`} kept={4} />
            )}
          </td>
          <td>
            <Who address={one.owner} />
          </td>
          <td>{modelTermsText(one.terms)}</td>
          <td class="number">
            <a href={`/block/${num(one.height)}`}>block {countText(num(one.height))}</a>
          </td>
          <td class="number">
            {one.size === null ? (
              'elsewhere'
            ) : BigInt(one.terms.price) > 0n ? (
              'sold'
            ) : (
              <a href={`/blob/${one.weights}`} download={`${one.job.slice(0, 10)}.weights`}>
                {bytesText(num(one.size))}
              </a>
            )}
          </td>
        </tr>
      ))}
    </Table>
  )
}
