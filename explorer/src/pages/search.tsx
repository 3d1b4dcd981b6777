/**
 * Finds anything by number, hash, address or title.
 */
import type { VNode } from 'preact'
import { useEffect } from 'preact/hooks'
import type { DatasetWire, PageWire } from '../../../client/wire.ts'
import { hex } from '../net/live.ts'
import { node, useQuery } from '../net/node.ts'
import { goTo } from '../router.ts'
import { Untrusted } from '../ui/identity.tsx'
import { Card, Empty, PageHead, Pending } from '../ui/parts.tsx'
import type { PageProps } from './registry.ts'

type Hit = { readonly what: string; readonly title: string; readonly to: string }

export function SearchPage({ params }: PageProps): VNode {
  const text = params.text!.trim().slice(0, 200)
  const hits = useQuery(() => find(text), [text])
  const only = hits.data?.length === 1 ? hits.data[0] : undefined
  useEffect(() => {
    if (only !== undefined) goTo(only.to)
  }, [only])
  return (
    <>
      <PageHead
        title={
          <>
            Search: <Untrusted text={text} />
          </>
        }
      />
      <Card title="Found" flush>
        {hits.data === null ? (
          <Pending query={hits} />
        ) : hits.data.length === 0 ? (
          <Empty>
            Nothing here is called so. A block is a number; transactions, jobs, datasets and blocks
            are 0x and 64 digits; an address is 0x and 40.
          </Empty>
        ) : (
          <ul class="feed">
            {hits.data.map(({ what, title, to }) => (
              <li key={to}>
                <span class="soft">{what}</span>
                <a href={to}>
                  <Untrusted text={title} />
                </a>
              </li>
            ))}
          </ul>
        )}
      </Card>
    </>
  )
}

async function find(text: string): Promise<readonly Hit[]> {
  const lower = text.toLowerCase()
  if (/^[\d,]{1,18}$/.test(text)) return findBlock(Number(text.replaceAll(',', '')))
  if (/^0x[0-9a-f]{40}$/.test(lower))
    return [{ what: 'address', title: lower, to: `/address/${lower}` }]
  if (/^0x[0-9a-f]{64}$/.test(lower)) return findHash(lower)
  return findTitle(lower)
}

async function findBlock(number: number): Promise<readonly Hit[]> {
  const block = await node.call<object | null>('eth_getBlockByNumber', hex(number), false)
  return block === null ? [] : [{ what: 'block', title: String(number), to: `/block/${number}` }]
}

/** What a 32-byte name can be, and where each is shown. */
const named = [
  ['transaction', 'eth_getTransactionByHash', '/transaction/'],
  ['job', 'train_getJob', '/job/'],
  ['dataset', 'data_getDataset', '/dataset/'],
] as const

async function findHash(hash: string): Promise<readonly Hit[]> {
  const block = node.call<object | null>('eth_getBlockByHash', hash, false)
  const others = named.map(async ([what, method, to]) =>
    (await node.call<object | null>(method, hash)) === null
      ? []
      : [{ what, title: hash, to: `${to}${hash}` }],
  )
  const found = (await block) === null ? [] : [{ what: 'block', title: hash, to: `/block/${hash}` }]
  return [...found, ...(await Promise.all(others)).flat()]
}

async function findTitle(text: string): Promise<readonly Hit[]> {
  const page = await node.call<PageWire<DatasetWire>>('data_listDatasets', { limit: 100 })
  return page.items
    .filter(({ title }) => title.toLowerCase().includes(text))
    .slice(0, 50)
    .map(({ title, root }) => ({ what: 'dataset', title, to: `/dataset/${root}` }))
}
