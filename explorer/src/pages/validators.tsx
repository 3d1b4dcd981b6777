/**
 * Who agrees and trains: stake, reputation over time, duties and work.
 */
import type { VNode } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import type { ServiceWire, ValidatorSetWire } from '../../../client/wire.ts'
import { coinsText, countText, num, percentText, shortHex } from '../format.ts'
import { useParticipation } from '../net/health.ts'
import { head, hex, network } from '../net/live.ts'
import { node, useQuery } from '../net/node.ts'
import { useStore } from '../net/store.ts'
import { Chart } from '../ui/chart.tsx'
import { colourOf, Who } from '../ui/identity.tsx'
import { Badge, Card, Empty, PageHead, Pending, Progress, Table, Tiles } from '../ui/parts.tsx'

/** 1.0 of reputations. */
const one = 2 ** 32
/** Epochs of the reputation chart. */
const shownEpochs = 48

export function ValidatorsPage(): VNode {
  const height = useStore(head)
  const known = useStore(network)
  const epochLength = known === null ? 1 : num(known.params.epochLength)
  const epoch = Math.max(0, Math.floor(height / epochLength))
  const set = useQuery(() => node.call<ValidatorSetWire | null>('val_getSet'), [epoch])
  const service = useParticipation()
  const members = set.data?.validators ?? []
  const stake = members.reduce((sum, member) => sum + BigInt(member.stake), 0n)
  return (
    <>
      <PageHead
        title="Validators"
        lede="Voting power follows bonded stake; the chance to propose follows stake times recent, verified work. Reputation falls with missed leases and signatures."
      />
      <Tiles
        tiles={[
          { label: 'Validators', value: members.length, note: `epoch ${countText(epoch)}` },
          { label: 'Bonded', value: coinsText(stake * 10n ** 9n), unit: 'coins' },
          {
            label: 'Next epoch in',
            value: epochLength - (Math.max(0, height) % epochLength),
            unit: 'blocks',
            note: `of ${countText(epochLength)}`,
          },
        ]}
      />
      <Card title="Members" flush>
        {set.data === null || service.data === null ? (
          <Pending query={set} />
        ) : (
          <Members set={set.data} service={service.data} />
        )}
      </Card>
      <Reputations epoch={epoch} members={members.map(({ address }) => address)} />
    </>
  )
}

function Members({
  set,
  service,
}: {
  readonly set: ValidatorSetWire
  readonly service: readonly ServiceWire[]
}): VNode {
  const byAddress = new Map(service.map((record) => [record.address, record]))
  const slots = set.validators.reduce((sum, { slotWeight }) => sum + Number(BigInt(slotWeight)), 0)
  return (
    <Table
      label="Members of the set"
      columns={[
        'Validator',
        'Stake#',
        'Reputation#',
        'Proposes#',
        'Signed',
        'Certificates#',
        'Missed#',
        'Earned#',
        'State',
      ]}
    >
      {set.validators.map((member) => {
        const record = byAddress.get(member.address)
        const [signed, due] = [num(record?.signed ?? '0x0'), num(record?.due ?? '0x0')]
        return (
          <tr key={member.address}>
            <td>
              <Who address={member.address} />
            </td>
            <td class="number">{coinsText(BigInt(member.stake) * 10n ** 9n)}</td>
            <td class="number">
              {percentText(num(record?.reputation ?? member.reputation) / one)}
            </td>
            <td class="number">
              {slots === 0 ? '–' : percentText(Number(BigInt(member.slotWeight)) / slots)}
            </td>
            <td>
              <Progress part={due === 0 ? 1 : signed / due} label="signatures of this epoch" />
              <span class="small soft">
                {countText(signed)} of {countText(due)}
              </span>
            </td>
            <td class="number">{countText(num(record?.certificates ?? '0x0'))}</td>
            <td class="number">{countText(num(record?.missed ?? '0x0'))}</td>
            <td class="number">{coinsText(BigInt(record?.earnedWei ?? '0x0'))}</td>
            <td>
              {member.jailed ? <Badge tone="bad">slashed</Badge> : <Badge tone="good">good</Badge>}
            </td>
          </tr>
        )
      })}
    </Table>
  )
}

/** Members that are drawn at once; of more, the mean and one that is chosen. */
const drawnMembers = 12

/** Reputation in each of the last epochs, read from the frozen sets. */
function Reputations({
  epoch,
  members,
}: {
  readonly epoch: number
  readonly members: readonly string[]
}): VNode {
  const [chosen, setChosen] = useState<string | null>(null)
  const sets = useQuery(async () => {
    const from = Math.max(0, epoch - shownEpochs + 1)
    const epochs = Array.from({ length: epoch - from + 1 }, (_, i) => from + i)
    const found = await Promise.all(
      epochs.map((at) => node.call<ValidatorSetWire | null>('val_getSet', hex(at))),
    )
    return found.filter((set) => set !== null)
  }, [epoch])
  const history = sets.data ?? []
  const series = useMemo(() => {
    const mean = history.map(
      (set) =>
        set.validators.reduce((sum, { reputation }) => sum + num(reputation), 0) /
        (one * Math.max(1, set.validators.length)),
    )
    const drawn = members.length > drawnMembers ? members.filter((own) => own === chosen) : members
    const lines = drawn.map((address) => ({
      label: shortHex(address),
      colour: colourOf(address),
      values: history.map(({ validators }) => {
        const member = validators.find((own) => own.address === address)
        return member === undefined ? null : num(member.reputation) / one
      }),
    }))
    return [...lines, { label: 'mean of all', colour: '--ink', values: mean }]
  }, [history, chosen, members.join()])
  return (
    <Card
      title="Reputation by epoch"
      aside={
        members.length > drawnMembers && (
          <label>
            Compare{' '}
            <select onChange={(event) => setChosen(event.currentTarget.value || null)}>
              <option value="">nobody</option>
              {members.map((address) => (
                <option key={address} value={address}>
                  {shortHex(address)}
                </option>
              ))}
            </select>
          </label>
        )
      }
    >
      {history.length < 2 ? (
        <Empty>The chart begins with the second epoch.</Empty>
      ) : (
        <Chart
          label={`Reputation over the last ${history.length} epochs`}
          xs={history.map(({ epoch: at }) => num(at))}
          series={series}
          yText={percentText}
        />
      )}
    </Card>
  )
}
