/**
 * `Registry`, the native module of what is known: datasets and models.
 */
import { parseAbi } from 'viem'
import type { ChainParams } from '../../params/chainParams.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { datasetAt, datasetCount, readDataset, registerDataset } from '../../registry/datasets.ts'
import {
  allowAccount,
  listedAt,
  listedCount,
  mayTrain,
  readDatasetTerms,
  setDatasetTerms,
} from '../../registry/datasetTerms.ts'
import { modelAt, modelCount, readModel } from '../../registry/models.ts'
import {
  buyModel,
  copiesSold,
  hasBought,
  readModelTerms,
  setModelTerms,
} from '../../registry/modelTerms.ts'
import type { NativeCall, NativeModule, NativeOutcome } from '../nativeModule.ts'
import { collectionHandlers, collectionItems } from './collections.ts'
import { addressOf, answer, commonErrors, defineModule, refusal } from './module.ts'

export const registryAbi = parseAbi([
  'struct DatasetView { bytes32 root; string title; bytes32 blob; uint32 rows; uint32 features; uint32 classes; address owner; }',
  'struct DatasetTermsView { uint256 rowPrice; string licence; bool listedOnly; uint32 listed; }',
  'struct ModelTermsView { uint256 price; uint16 royaltyBasisPoints; string licence; uint256 sold; }',
  'struct ModelView { bytes32 job; bytes32 dataset; address owner; bytes32 weights; bytes32 commitment; uint64 height; }',

  'function registerDataset(bytes32 root, string title, bytes32 blob, uint32 rows, uint32 features, uint32 classes) returns (uint256 index)',
  'function dataset(bytes32 root) view returns (DatasetView found)',
  'function datasetCount() view returns (uint256 count)',
  'function datasetAt(uint256 index) view returns (bytes32 root)',
  'function model(bytes32 job) view returns (ModelView found)',
  'function modelCount() view returns (uint256 count)',
  'function modelAt(uint256 index) view returns (bytes32 job)',

  'function registerDatasetWithTerms(bytes32 root, string title, bytes32 blob, uint32 rows, uint32 features, uint32 classes, uint256 rowPrice, string licence, bool listedOnly) returns (uint256 index)',
  'function setDatasetTerms(bytes32 root, uint256 rowPrice, string licence, bool listedOnly)',
  'function allow(bytes32 root, address account, bool allowed)',
  'function datasetTerms(bytes32 root) view returns (DatasetTermsView terms)',
  'function mayTrain(bytes32 root, address account) view returns (bool allowed)',
  'function listedAt(bytes32 root, uint256 index) view returns (address account)',
  'function setModelTerms(bytes32 model, uint256 price, uint16 royaltyBasisPoints, string licence)',
  'function modelTerms(bytes32 model) view returns (ModelTermsView terms)',
  'function buy(bytes32 model) payable',
  'function hasBought(bytes32 model, address buyer) view returns (bool bought)',

  'event DatasetRegistered(bytes32 indexed root, address indexed owner, string title, bytes32 blob, uint32 rows)',
  'event DatasetTermsSet(bytes32 indexed root, uint256 rowPrice, string licence, bool listedOnly)',
  'event Allowed(bytes32 indexed root, address indexed account, bool allowed)',
  'event ModelTermsSet(bytes32 indexed model, uint256 price, uint16 royaltyBasisPoints, string licence)',
  'event ModelBought(bytes32 indexed model, address indexed buyer, address indexed owner, uint256 price)',

  'error Unknown(bytes32 id)',
  'error Known(bytes32 root)',
  'error BadTitle(uint256 length, uint256 max)',
  'error BadShape(string field, uint256 got)',
  'error NotOwner(address owner)',
  'error BadPrice(uint256 got, uint256 max)',
  'error BadRoyalty(uint256 got, uint256 max)',
  'error BadLicence(uint256 length, uint256 max)',
  'error ListFull(uint256 max)',
  'error NotForSale(bytes32 model)',
  'error WrongPrice(uint256 required, uint256 got)',
  'error AlreadyBought(address buyer)',
  ...collectionItems,
  ...commonErrors,
])

export function registryModule(params: ChainParams, chainId: number): NativeModule {
  const refuse = (fault: { readonly code: string }) => refusal(registryAbi, fault)

  async function register(call: NativeCall): Promise<NativeOutcome> {
    const [root, title, blob, rows, features, classes] = call.args as [
      Hash,
      string,
      Hash,
      number,
      number,
      number,
    ]
    const dataset = { root, title, blob, rows, features, classes, owner: call.caller }
    const index = await registerDataset(call.world, dataset)
    if (!index.ok) return refusal(registryAbi, index.fault)
    call.emit('DatasetRegistered', { root, owner: call.caller, title, blob, rows })
    return answer(BigInt(index.value))
  }

  async function setTerms(
    call: NativeCall,
    root: Hash,
    terms: readonly unknown[],
  ): Promise<NativeOutcome> {
    const [rowPrice, licence, listedOnly] = terms as [bigint, string, boolean]
    const { world, caller } = call
    const set = await setDatasetTerms(world, root, { rowPrice, licence, listedOnly }, caller)
    if (!set.ok) return refusal(registryAbi, set.fault)
    call.emit('DatasetTermsSet', { root, rowPrice, licence, listedOnly })
    return answer()
  }

  async function registerWithTerms(call: NativeCall): Promise<NativeOutcome> {
    const registered = await register(call)
    if (!registered.ok) return registered
    // A refusal undoes the registration.
    const set = await setTerms(call, call.args[0] as Hash, call.args.slice(6))
    return set.ok ? registered : set
  }

  async function allow(call: NativeCall): Promise<NativeOutcome> {
    const [root, name, allowed] = call.args as [Hash, string, boolean]
    const account = addressOf(name)
    const set = await allowAccount(call.world, root, account, allowed, call.caller)
    if (!set.ok) return refusal(registryAbi, set.fault)
    call.emit('Allowed', { root, account, allowed })
    return answer()
  }

  async function setTermsOfModel(call: NativeCall): Promise<NativeOutcome> {
    const [model, price, royaltyBasisPoints, licence] = call.args as [Hash, bigint, number, string]
    const terms = { price, royaltyBasisPoints, licence }
    const set = await setModelTerms(call.world, model, terms, call.caller)
    if (!set.ok) return refusal(registryAbi, set.fault)
    call.emit('ModelTermsSet', { model, ...terms })
    return answer()
  }

  async function buy(call: NativeCall): Promise<NativeOutcome> {
    const [model] = call.args as [Hash]
    const { world, caller: buyer, value } = call
    const bought = await buyModel(world, model, buyer, value)
    if (!bought.ok) return refusal(registryAbi, bought.fault)
    call.emit('ModelBought', { model, buyer, ...bought.value })
    return answer()
  }

  const unknown = (id: Hash): NativeOutcome => ({ ok: false, errorName: 'Unknown', args: [id] })

  return defineModule('Registry', moduleAddresses.registry, registryAbi, {
    registerDataset: register,
    dataset: async (call) => {
      const [root] = call.args as [Hash]
      const dataset = await readDataset(call.world, root)
      return dataset === null ? unknown(root) : answer(dataset)
    },
    datasetCount: async (call) => answer(BigInt(await datasetCount(call.world))),
    datasetAt: async (call) => {
      const [index] = call.args as [bigint]
      if (index >= BigInt(await datasetCount(call.world))) return unknown(zeroHash)
      return answer(await datasetAt(call.world, Number(index)))
    },
    model: async (call) => {
      const [job] = call.args as [Hash]
      const model = await readModel(call.world, job)
      return model === null ? unknown(job) : answer(model)
    },
    modelCount: async (call) => answer(BigInt(await modelCount(call.world))),
    modelAt: async (call) => {
      const [index] = call.args as [bigint]
      if (index >= BigInt(await modelCount(call.world))) return unknown(zeroHash)
      return answer(await modelAt(call.world, Number(index)))
    },
    registerDatasetWithTerms: registerWithTerms,
    setDatasetTerms: (call) => setTerms(call, call.args[0] as Hash, call.args.slice(1)),
    allow,
    datasetTerms: async ({ world, args }) => {
      const [root] = args as [Hash]
      if ((await readDataset(world, root)) === null) return unknown(root)
      const listed = await listedCount(world, root)
      return answer({ ...(await readDatasetTerms(world, root)), listed })
    },
    mayTrain: async ({ world, args }) => {
      const [root, name] = args as [Hash, string]
      const dataset = await readDataset(world, root)
      if (dataset === null) return unknown(root)
      return answer(await mayTrain(world, dataset, addressOf(name)))
    },
    listedAt: async ({ world, args }) => {
      const [root, index] = args as [Hash, bigint]
      if (index >= BigInt(await listedCount(world, root))) return unknown(root)
      return answer(await listedAt(world, root, Number(index)))
    },
    setModelTerms: setTermsOfModel,
    modelTerms: async ({ world, args }) => {
      const [model] = args as [Hash]
      const sold = await copiesSold(world, model)
      return answer({ ...(await readModelTerms(world, model)), sold })
    },
    ...collectionHandlers(params, chainId, refuse),
    buy,
    hasBought: async ({ world, args }) => {
      const [model, name] = args as [Hash, string]
      return answer(await hasBought(world, model, addressOf(name)))
    },
  })
}
