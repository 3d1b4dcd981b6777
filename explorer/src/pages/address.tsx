/**
 * One account: what it holds, what it did of late, and a contract's events.
 */
import type { VNode } from 'preact'
import { decodeFunctionResult, encodeFunctionData } from 'viem'
import type { ServiceWire } from '../../../client/wire.ts'
import { moduleAddresses } from '../../../params/protocol.ts'
import type { Hex } from '../../../primitives/bytes.ts'
import { stakingAbi } from '../../../vm/modules/stakingAbi.ts'
import type { LogWire } from '../decode.ts'
import { layersText } from '../derive.ts'
import { bytesText, coinsText, countOf, countText, num, percentText } from '../format.ts'
import { head, hex, jobs, network } from '../net/live.ts'
import { node, useQuery } from '../net/node.ts'
import { useStore } from '../net/store.ts'
import { FullHash, HashText, useModuleName } from '../ui/identity.tsx'
import { Badge, Card, Empty, Facts, PageHead, Pending, Table } from '../ui/parts.tsx'
import { Logs } from '../ui/told.tsx'
import { toneOf } from './jobs.tsx'
import type { PageProps } from './registry.ts'

/** Blocks whose logs are searched. */
const window = 5_000
/** Logs that are shown. */
const shownLogs = 60

export function AddressPage({ params }: PageProps): VNode {
  const address = params.address!.toLowerCase()
  const height = useStore(head)
  const name = useModuleName(address)
  const account = useQuery(async () => {
    const [balance, nonce, code] = await Promise.all([
      node.call<Hex>('eth_getBalance', address, 'latest'),
      node.call<Hex>('eth_getTransactionCount', address, 'latest'),
      node.call<Hex>('eth_getCode', address, 'latest'),
    ])
    return { balance, nonce, code }
  }, [address, height])
  if (account.data === null) return <Pending query={account} />
  const { balance, nonce, code } = account.data
  const isContract = name !== null || code !== '0x'
  return (
    <>
      <PageHead title={name ?? (isContract ? 'Contract' : 'Account')}>
        {name !== null && <Badge tone="honey">native module</Badge>}
      </PageHead>
      <Card title="What it is">
        <Facts
          facts={[
            ['Address', <FullHash key="address" hash={address} what="the address" />],
            ['Balance', `${coinsText(BigInt(balance))} coins`],
            ['Sent', countOf(num(nonce), 'transaction')],
            ...(code === '0x' ? [] : ([['Code', bytesText(code.length / 2 - 1)]] as const)),
          ]}
        />
      </Card>
      <Service address={address} />
      <OwnJobs address={address} />
      {isContract && <Events address={address} />}
    </>
  )
}

function Service({ address }: { readonly address: string }): VNode | null {
  const height = useStore(head)
  const found = useQuery(
    () => node.call<ServiceWire | null>('rep_getService', address),
    [address, height],
  )
  const stake = useQuery(() => stakeOf(address), [address, height])
  if (found.data === null) return null
  const { reputation, proposed, certificates, missed, earnedWei, signed, due } = found.data
  return (
    <Card title="As a validator">
      <Facts
        facts={[
          ['Reputation', percentText(num(reputation) / 2 ** 32)],
          ['Proposed', countOf(num(proposed), 'block')],
          ['Signed', `${countText(num(signed))} of ${countText(num(due))} due in this epoch`],
          ['Certified', countOf(num(certificates), 'lease')],
          ['Missed', countOf(num(missed), 'lease')],
          ['Earned', `${coinsText(BigInt(earnedWei))} coins`],
          ...(stake.data === null
            ? []
            : ([
                ['Stake', `${coinsText(stake.data.gwei * 10n ** 9n)} coins`],
                [
                  'Slashed',
                  <Slashed key="slashed" since={stake.data.jailedSince} all={stake.data.slashes} />,
                ],
              ] as const)),
        ]}
      />
    </Card>
  )
}

/** `since`: block of the slash that it has not left jail from; 0: there is none. */
function Slashed({
  since,
  all,
}: {
  readonly since: bigint
  readonly all: readonly Slash[]
}): VNode {
  return (
    <>
      {since === 0n ? (
        'no; it may vote and work'
      ) : (
        <>
          <Badge tone="bad">slashed</Badge> for two votes at once; without vote and work since
        </>
      )}
      {all.toReversed().map(({ height, burned }) => (
        <div key={height}>
          {coinsText(burned)} coins in <a href={`/block/${height}`}>block {countText(height)}</a>
        </div>
      ))}
    </>
  )
}

type Slash = { readonly height: bigint; readonly burned: bigint }

async function stakeOf(address: string) {
  const args = [address as Hex] as const
  const stake = { abi: stakingAbi, functionName: 'validator' } as const
  const slashes = { abi: stakingAbi, functionName: 'slashes' } as const
  const [stakeData, slashData] = await Promise.all([
    ask(encodeFunctionData({ ...stake, args })),
    ask(encodeFunctionData({ ...slashes, args })),
  ])
  const { stake: gwei, jailedSince } = decodeFunctionResult({ ...stake, data: stakeData })
  return { gwei, jailedSince, slashes: decodeFunctionResult({ ...slashes, data: slashData }) }
}

function ask(data: Hex): Promise<Hex> {
  return node.call<Hex>('eth_call', { to: moduleAddresses.staking, data }, 'latest')
}

function OwnJobs({ address }: { readonly address: string }): VNode | null {
  const own = useStore(jobs)
    .filter(({ definition }) => definition.owner === address)
    .toReversed()
  if (own.length === 0) return null
  return (
    <Card title="Jobs of this account" aside={countText(own.length)} flush>
      <Table label="Jobs" columns={['Job', 'Model', 'Status']}>
        {own.slice(0, 50).map((job) => (
          <tr key={job.id}>
            <td>
              <HashText hash={job.id} to={`/job/${job.id}`} kept={6} />
            </td>
            <td>{layersText(job)}</td>
            <td>
              <Badge tone={toneOf[job.status]}>{job.status}</Badge>
            </td>
          </tr>
        ))}
      </Table>
    </Card>
  )
}

function Events({ address }: { readonly address: string }): VNode {
  const height = useStore(head)
  useStore(network)
  const from = Math.max(0, height - window)
  const logs = useQuery(
    () => node.call<readonly LogWire[]>('eth_getLogs', { address, fromBlock: hex(from) }),
    [address, height],
  )
  const newest = (logs.data ?? []).slice(-shownLogs).toReversed()
  return (
    <Card title="Newest events" aside={`last ${countText(window)} blocks`} flush>
      {logs.data === null ? (
        <Pending query={logs} />
      ) : newest.length === 0 ? (
        <Empty>Nothing happened here of late.</Empty>
      ) : (
        <Logs logs={newest} place />
      )}
    </Card>
  )
}
