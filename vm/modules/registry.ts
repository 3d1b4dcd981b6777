/**
 * `Registry`, the native module of what is known: datasets and models.
 */
import { parseAbi } from 'viem'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { datasetAt, datasetCount, readDataset, registerDataset } from '../../registry/datasets.ts'
import { modelAt, modelCount, readModel } from '../../registry/models.ts'
import type { NativeCall, NativeModule, NativeOutcome } from '../nativeModule.ts'
import { answer, commonErrors, defineModule, refusal } from './module.ts'

export const registryAbi = parseAbi([
  'struct DatasetView { bytes32 root; string title; bytes32 blob; uint32 rows; uint32 features; uint32 classes; address owner; }',
  'struct ModelView { bytes32 job; bytes32 dataset; address owner; bytes32 weights; bytes32 commitment; uint64 height; }',

  'function registerDataset(bytes32 root, string title, bytes32 blob, uint32 rows, uint32 features, uint32 classes) returns (uint256 index)',
  'function dataset(bytes32 root) view returns (DatasetView found)',
  'function datasetCount() view returns (uint256 count)',
  'function datasetAt(uint256 index) view returns (bytes32 root)',
  'function model(bytes32 job) view returns (ModelView found)',
  'function modelCount() view returns (uint256 count)',
  'function modelAt(uint256 index) view returns (bytes32 job)',

  'event DatasetRegistered(bytes32 indexed root, address indexed owner, string title, bytes32 blob, uint32 rows)',

  'error Unknown(bytes32 id)',
  'error Known(bytes32 root)',
  'error BadTitle(uint256 length, uint256 max)',
  'error BadShape(string field, uint256 got)',
  ...commonErrors,
])

export function registryModule(): NativeModule {
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
  })
}
