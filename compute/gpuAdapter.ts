/**
 * The machine's WebGPU adapter, through Dawn. Nothing here is loaded until somebody asks for a GPU.
 */
import { invariant } from '../primitives/result.ts'
import { matrixFeature } from './webgpuMatrices.ts'

/** What an operator is told about an adapter. */
export type AdapterFacts = {
  readonly vendor: string
  readonly architecture: string
  readonly description: string
  /** A processor that plays a GPU: right, and slow. */
  readonly software: boolean
  readonly features: readonly string[]
  /** WGSL language features. */
  readonly language: readonly string[]
  /** Bytes that one binding of a storage buffer may have. */
  readonly maxBinding: number
  /** int8 → int32 subgroup-matrix shapes, `rows×width×inner`. */
  readonly subgroupMatrices: readonly string[]
  /** Threads of every subgroup; null where they differ or nobody knows. */
  readonly subgroup: number | null
}

/** Largest buffer or binding asked for: adapters claim sizes up to 1 TiB that no device gives. */
const maxBytes = 2 ** 31

let instance: GPU | null = null
/** Dawn crashes the process once such an object is collected. */
const kept: GPU[] = []

/**
 * The entry to WebGPU; its globals (`GPUBufferUsage` and others) are defined from the first call on.
 *
 * @throws {Error} where Dawn has no build for the platform.
 */
async function openInstance(): Promise<GPU> {
  if (instance !== null) return instance
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  instance = create(['enable-dawn-features=allow_unsafe_apis'])
  kept.push(instance)
  return instance
}

/** The preferred adapter, or null where there is none. @throws {Error} where Dawn does not load. */
export async function findAdapter(
  powerPreference: GPUPowerPreference = 'high-performance',
): Promise<GPUAdapter | null> {
  const entry = await openInstance()
  const adapter = await entry.requestAdapter({ powerPreference })
  // An instance looks for drivers once; the next may find one that was brought meanwhile.
  if (adapter === null) instance = null
  return adapter
}

/** What is told of the preferred adapter; null where there is none, or no Dawn for the platform. */
export async function describeAdapter(): Promise<AdapterFacts | null> {
  const adapter = await findAdapter().catch(() => null)
  return adapter === null ? null : adapterFacts(adapter)
}

/** What is told of all that WebGPU offers, the preferred one first: a fast one and a thrifty one at most. */
export async function describeAdapters(): Promise<readonly AdapterFacts[]> {
  const preferred = await describeAdapter()
  if (preferred === null) return []
  const other = await findAdapter('low-power').catch(() => null)
  if (other === null) return [preferred]
  const facts = adapterFacts(other)
  const isSame = (['vendor', 'architecture', 'description'] as const).every(
    (name) => facts[name] === preferred[name],
  )
  return isSame ? [preferred] : [preferred, facts]
}

export function adapterFacts(adapter: GPUAdapter): AdapterFacts {
  const { vendor, architecture, description, device } = adapter.info
  return {
    vendor,
    architecture,
    description: description === '' ? device : description,
    software: isSoftware(adapter),
    features: [...adapter.features].sort(),
    language: [...(instance?.wgslLanguageFeatures ?? [])].sort(),
    maxBinding: bindingLimit(adapter),
    subgroupMatrices: matrixShapes(adapter),
    subgroup: subgroupSize(adapter),
  }
}

/** SwiftShader and its like. */
export function isSoftware({ info }: GPUAdapter): boolean {
  return info.isFallbackAdapter || /swiftshader|llvmpipe/i.test(`${info.device}${info.description}`)
}

function bindingLimit({ limits }: GPUAdapter): number {
  return Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize, maxBytes)
}

/** A device that may bind as much as the adapter allows, with subgroup matrices if it has them. */
export function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const bytes = bindingLimit(adapter)
  const { maxComputeWorkgroupStorageSize } = adapter.limits
  const features = ['subgroups', matrixFeature] as const
  const requiredFeatures = features.every((name) => adapter.features.has(name)) ? features : []
  return adapter.requestDevice({
    requiredFeatures: requiredFeatures as readonly GPUFeatureName[],
    requiredLimits: {
      maxStorageBufferBindingSize: bytes,
      maxBufferSize: bytes,
      maxComputeWorkgroupStorageSize,
    },
  })
}

function subgroupSize({ info }: GPUAdapter): number | null {
  const { subgroupMinSize: least = 0, subgroupMaxSize: most = 0 } = info
  return least === most && least > 0 ? least : null
}

/** Dawn's list, which the WebGPU specification does not have yet. */
function matrixShapes({ info }: GPUAdapter): readonly string[] {
  type Shape = {
    componentType: string
    resultComponentType: string
    M: number
    N: number
    K: number
  }
  const { subgroupMatrixConfigs = [] } = info as unknown as { subgroupMatrixConfigs?: Shape[] }
  return subgroupMatrixConfigs
    .filter((shape) => shape.componentType === 'i8' && shape.resultComponentType === 'i32')
    .map(({ M, N, K }) => `${M}x${N}x${K}`)
}

/**
 * Makes `navigator.gpu` what gpu.js looks for. It asks for the adapter's own limits, so it is shown an
 * adapter whose limits a device can give.
 */
export async function exposeGpu(): Promise<void> {
  const adapter = await findAdapter()
  invariant(adapter !== null, 'exposeGpu: an adapter')
  const bytes = bindingLimit(adapter)
  const shown = {
    info: adapter.info,
    features: adapter.features,
    limits: { maxStorageBufferBindingSize: bytes, maxBufferSize: bytes },
    requestDevice: (descriptor: GPUDeviceDescriptor) => adapter.requestDevice(descriptor),
  }
  let next: typeof shown | null = shown
  const gpu = {
    // An adapter gives one device; later devices come of later adapters.
    async requestAdapter() {
      const mine = next
      next = null
      if (mine !== null) return mine
      const other = await findAdapter()
      if (other === null) return null
      return { ...shown, requestDevice: (d: GPUDeviceDescriptor) => other.requestDevice(d) }
    },
  }
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true })
}
