/**
 * Answers of the node's own methods as they come over the wire: integers are `0x` quantities.
 */
import type { Hex } from '../primitives/bytes.ts'
import type { CollectionView } from '../rpc/collectionView.ts'
import type { ModuleView, NetworkView } from '../rpc/networkView.ts'
import type {
  AccuracyView,
  CertificateView,
  CheckpointView,
  DatasetView,
  JobEvent,
  JobView,
  LeaseView,
  LineageView,
  ModelView,
  PriceView,
  ServiceView,
  SidecarView,
  ValidatorSetView,
  WeightsView,
} from '../rpc/workViews.ts'

/** A view with every integer spelled as a quantity. */
type Wire<T> = T extends bigint | number
  ? Hex
  : T extends string | boolean | null
    ? T
    : { readonly [K in keyof T]: Wire<T[K]> }

export type AccuracyWire = Wire<AccuracyView>
export type CertificateWire = Wire<CertificateView>
export type CheckpointWire = Wire<CheckpointView>
export type CollectionWire = Wire<CollectionView>
export type DatasetWire = Wire<DatasetView>
export type JobWire = Wire<JobView>
export type JobEventWire = Wire<Omit<JobEvent, 'details'>> & {
  readonly details: Readonly<Record<string, unknown>>
}
export type LeaseWire = Wire<LeaseView>
export type LineageWire = Wire<LineageView>
export type ModelWire = Wire<ModelView>
export type NetworkWire = {
  readonly chainId: Hex
  readonly genesisHash: Hex
  readonly params: Wire<NetworkView['params']>
  readonly modules: readonly ModuleView[]
}
/** What proves a certificate, without its bytes. */
export type ProofWire = Wire<Omit<SidecarView, 'bytes'>> & { readonly size: Hex }
export type PriceWire = Wire<PriceView>
export type ServiceWire = Wire<ServiceView>
export type ValidatorSetWire = Wire<ValidatorSetView>
export type WeightsWire = Wire<WeightsView>
export type PageWire<T> = { readonly items: readonly T[]; readonly next: Hex | null }
