/**
 * One transaction: what was called, what came of it, and its events.
 */
import type { VNode } from 'preact'
import type { Hex } from '../../../primitives/bytes.ts'
import { type LogWire, readCall } from '../decode.ts'
import { coinsText, countText, num } from '../format.ts'
import { head, network } from '../net/live.ts'
import { node, useQuery } from '../net/node.ts'
import { useStore } from '../net/store.ts'
import { FullHash, Who } from '../ui/identity.tsx'
import { Badge, Card, Facts, PageHead, Pending } from '../ui/parts.tsx'
import { Logs, ToldView } from '../ui/told.tsx'
import { type TransactionWire, What } from './block.tsx'
import type { PageProps } from './registry.ts'

type ReceiptWire = {
  readonly status: Hex
  readonly gasUsed: Hex
  readonly effectiveGasPrice: Hex
  readonly contractAddress: Hex | null
  readonly logs: readonly LogWire[]
}

export function TransactionPage({ params }: PageProps): VNode {
  const hash = params.hash!
  const height = useStore(head)
  const transaction = useQuery(
    () => node.call<TransactionWire | null>('eth_getTransactionByHash', hash),
    [hash, height],
  )
  const isIn = transaction.data?.blockNumber != null
  const receipt = useQuery(
    async () => (isIn ? node.call<ReceiptWire | null>('eth_getTransactionReceipt', hash) : null),
    [hash, isIn],
  )
  if (transaction.data === null)
    return <Pending query={transaction} nothing="No transaction of this hash is known here." />
  return <TransactionView transaction={transaction.data} receipt={receipt.data} />
}

function TransactionView({
  transaction,
  receipt,
}: {
  readonly transaction: TransactionWire
  readonly receipt: ReceiptWire | null
}): VNode {
  useStore(network)
  const { hash, from, to, value, input, nonce, gas, blockNumber } = transaction
  const told = readCall(to, input)
  return (
    <>
      <PageHead
        crumb={
          blockNumber === null ? (
            'waiting for a block'
          ) : (
            <a href={`/block/${num(blockNumber)}`}>Block {countText(num(blockNumber))}</a>
          )
        }
        title="Transaction"
      >
        <State isIn={blockNumber !== null} receipt={receipt} />
        <What transaction={transaction} />
      </PageHead>
      <Card title="Summary">
        <Facts
          facts={[
            ['Hash', <FullHash key="hash" hash={hash} what="the hash" />],
            ['From', <Who key="from" address={from} kept={8} />],
            ['To', to === null ? 'a new contract' : <Who key="to" address={to} kept={8} />],
            ...(receipt?.contractAddress == null
              ? []
              : ([
                  ['Made', <Who key="made" address={receipt.contractAddress} kept={8} />],
                ] as const)),
            ['Value', `${coinsText(BigInt(value))} coins`],
            ['Nonce', countText(num(nonce))],
            [
              'Gas',
              receipt === null
                ? `at most ${countText(num(gas))}`
                : `${countText(num(receipt.gasUsed))} of ${countText(num(gas))}`,
            ],
            ...(receipt === null
              ? []
              : ([
                  [
                    'Fee',
                    `${coinsText(BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice))} coins`,
                  ],
                ] as const)),
          ]}
        />
      </Card>
      {input !== '0x' && (
        <Card title="Call">
          {told === null ? (
            <pre class="code">
              {input.slice(0, 2_050)}
              {input.length > 2_050 ? '…' : ''}
            </pre>
          ) : (
            <ToldView told={told} />
          )}
        </Card>
      )}
      {receipt !== null && (
        <Card title="Events" aside={countText(receipt.logs.length)} flush>
          <Logs logs={receipt.logs} />
        </Card>
      )}
    </>
  )
}

function State({
  isIn,
  receipt,
}: {
  readonly isIn: boolean
  readonly receipt: ReceiptWire | null
}): VNode {
  if (!isIn) return <Badge tone="calm">waiting</Badge>
  if (receipt === null) return <Badge>…</Badge>
  return receipt.status === '0x1' ? (
    <Badge tone="good">succeeded</Badge>
  ) : (
    <Badge tone="bad">reverted</Badge>
  )
}
