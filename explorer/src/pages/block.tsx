/**
 * One block: what it holds, who proposed it, and its proof, checked here.
 */
import type { VNode } from 'preact'
import type { Hex } from '../../../primitives/bytes.ts'
import { readCall } from '../decode.ts'
import { bytesText, coinsText, countText, num, percentText, timeText } from '../format.ts'
import { head, hex, network } from '../net/live.ts'
import { node, useQuery } from '../net/node.ts'
import { useStore } from '../net/store.ts'
import { FullHash, HashText, Who } from '../ui/identity.tsx'
import { Badge, Card, Empty, Facts, PageHead, Pending, Table } from '../ui/parts.tsx'
import { Age } from '../ui/time.tsx'
import { VerifyBlock } from '../verify/verifyCard.tsx'
import type { PageProps } from './registry.ts'

export type TransactionWire = {
  readonly hash: Hex
  readonly from: Hex
  readonly to: Hex | null
  readonly value: Hex
  readonly input: Hex
  readonly nonce: Hex
  readonly gas: Hex
  readonly type: Hex
  readonly blockNumber: Hex | null
  readonly transactionIndex: Hex | null
}

type FullBlock = {
  readonly number: Hex
  readonly hash: Hex
  readonly parentHash: Hex
  readonly stateRoot: Hex
  readonly receiptsRoot: Hex
  readonly timestamp: Hex
  readonly miner: Hex
  readonly gasUsed: Hex
  readonly gasLimit: Hex
  readonly baseFeePerGas: Hex
  readonly size: Hex
  readonly transactions: readonly TransactionWire[]
  readonly withdrawals: readonly { readonly address: Hex; readonly amount: Hex }[]
}

export function BlockPage({ params }: PageProps): VNode {
  const id = params.id!
  const block = useQuery(
    () =>
      /^0x[0-9a-f]{64}$/i.test(id)
        ? node.call<FullBlock | null>('eth_getBlockByHash', id.toLowerCase(), true)
        : node.call<FullBlock | null>('eth_getBlockByNumber', numberOf(id), true),
    [id],
  )
  if (block.data === null) return <Pending query={block} nothing="There is no such block (yet)." />
  return <BlockView block={block.data} />
}

function numberOf(id: string): Hex {
  return /^\d{1,15}$/.test(id) ? hex(Number(id)) : (id as Hex)
}

function BlockView({ block }: { readonly block: FullBlock }): VNode {
  const height = useStore(head)
  const number = num(block.number)
  const time = num(block.timestamp)
  const minted = block.withdrawals.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  return (
    <>
      <PageHead
        crumb={
          <>
            <a href="/blocks">Blocks</a> / {countText(number)}
          </>
        }
        title={`Block ${countText(number)}`}
      >
        <Badge tone="good">final</Badge>
        <span class="soft">
          <Age at={time} />
        </span>
        <nav class="steps" aria-label="Neighbours">
          {number > 0 && <a href={`/block/${number - 1}`}>← {countText(number - 1)}</a>}{' '}
          {number < height && <a href={`/block/${number + 1}`}>{countText(number + 1)} →</a>}
        </nav>
      </PageHead>
      <div class="columns wide-left">
        <Card title="Header">
          <Facts
            facts={[
              ['Hash', <FullHash key="hash" hash={block.hash} what="the hash" />],
              [
                'Parent',
                <HashText
                  key="parent"
                  hash={block.parentHash}
                  to={`/block/${number - 1}`}
                  kept={10}
                />,
              ],
              ['Proposer', <Who key="who" address={block.miner} kept={6} />],
              ['Time', timeText(time)],
              [
                'Gas',
                `${countText(num(block.gasUsed))} of ${countText(num(block.gasLimit))} (${percentText(num(block.gasUsed) / num(block.gasLimit))})`,
              ],
              ['Base fee', `${countText(BigInt(block.baseFeePerGas))} wei`],
              ['Size', bytesText(num(block.size))],
              [
                'Minted',
                minted === 0n
                  ? 'nothing'
                  : `${coinsText(minted * 10n ** 9n)} coins to ${block.withdrawals.length} validators`,
              ],
              ['State root', <HashText key="state" hash={block.stateRoot} kept={10} />],
              ['Receipts root', <HashText key="receipts" hash={block.receiptsRoot} kept={10} />],
            ]}
          />
        </Card>
        <VerifyBlock height={number} />
      </div>
      <Card title="Transactions" aside={countText(block.transactions.length)} flush>
        {block.transactions.length === 0 ? (
          <Empty>Nothing was sent in this block.</Empty>
        ) : (
          <TransactionTable items={block.transactions} />
        )}
      </Card>
    </>
  )
}

/** Rows that one table draws. */
const shown = 200

export function TransactionTable({ items }: { readonly items: readonly TransactionWire[] }): VNode {
  // The ABIs come with the network's description.
  useStore(network)
  return (
    <Table label="Transactions" columns={['Transaction', 'What', 'From', 'To', 'Coins#']}>
      {items.slice(0, shown).map((one) => (
        <tr key={one.hash}>
          <td>
            <HashText hash={one.hash} to={`/transaction/${one.hash}`} kept={4} />
          </td>
          <td>
            <What transaction={one} />
          </td>
          <td>
            <Who address={one.from} />
          </td>
          <td>
            {one.to === null ? <span class="soft">new contract</span> : <Who address={one.to} />}
          </td>
          <td class="number">{coinsText(BigInt(one.value))}</td>
        </tr>
      ))}
    </Table>
  )
}

export function What({ transaction }: { readonly transaction: TransactionWire }): VNode {
  const told = readCall(transaction.to, transaction.input)
  if (told !== null)
    return (
      <Badge tone="honey">
        {told.module}.{told.name}
      </Badge>
    )
  if (transaction.to === null) return <Badge tone="calm">deploy</Badge>
  return <Badge>{transaction.input === '0x' ? 'transfer' : transaction.input.slice(0, 10)}</Badge>
}
