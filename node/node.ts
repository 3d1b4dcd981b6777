/**
 * The composition root: the only file that knows who provides what.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createChain } from '../chain/chain.ts'
import { encodeCommit } from '../chain/commit.ts'
import { createDriver } from '../consensus/driver.ts'
import { openSigner } from '../consensus/signer.ts'
import { createWal, noWal } from '../consensus/wal.ts'
import { createTransactionPool } from '../mempool/transactionPool.ts'
import type { PeerId } from '../network/peer.ts'
import packageJson from '../package.json' with { type: 'json' }
import { type Genesis, parseGenesis } from '../params/genesis.ts'
import { fromHex, toHex, utf8ToBytes } from '../primitives/bytes.ts'
import { systemClock } from '../primitives/clock.ts'
import { describeFault, invariant } from '../primitives/result.ts'
import { createRpcServer } from '../rpc/server.ts'
import { openBlobStore } from '../storage/blobStore.ts'
import { openLevel } from '../storage/level.ts'
import { prefixed } from '../storage/prefix.ts'
import { refusingBlobs } from '../storage/refusedBlobs.ts'
import { soundBlobs } from '../storage/soundBlobs.ts'
import { openAccount } from './account.ts'
import { createCertificates } from './certificates.ts'
import { createDataKeeper } from './dataKeeper.ts'
import { createDriverEvents } from './driverEvents.ts'
import { createDuties } from './duties.ts'
import { gossipEvidence } from './evidenceGossip.ts'
import { createEvidencePool } from './evidencePool.ts'
import { createHeadFollower } from './headFollower.ts'
import { loadKeys, readPassword, type ValidatorKeys } from './keys.ts'
import { startAll } from './lifecycle.ts'
import { createLogger, logFields } from './logger.ts'
import { createMetrics } from './metrics.ts'
import { createNetworking, loadCommitted } from './networking.ts'
import type { NodeOptions } from './options.ts'
import { createPruner } from './pruner.ts'
import { readRefuseList } from './refuseList.ts'
import { createRpcModules } from './rpcModules.ts'
import { chainRules } from './rules.ts'
import { createSidecarStore } from './sidecarStore.ts'
import { createSignerPool } from './signerPool.ts'
import { serveSnapshots } from './snapshotServer.ts'
import { syncSnapshot } from './snapshotSync.ts'
import { createTurns } from './turns.ts'
import { createValues } from './values.ts'
import { createWorkshop, type WorkshopSeams } from './workshop.ts'

export type RunningNode = { readonly rpcUrl: string; readonly stop: () => Promise<void> }

/**
 * Start a node.
 *
 * @throws {Error} if the genesis, the keys or the data folder cannot be used, or a port is taken; the
 * message says which.
 */
export async function startNode(
  options: NodeOptions,
  seams: WorkshopSeams = {},
): Promise<RunningNode> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 })
  const genesis = await readGenesis(options.genesisPath)
  const keys = await readKeys(options, genesis)
  const log = createLogger(options.logLevel, null)
  const metrics = createMetrics()
  const clock = systemClock
  const store = await openLevel(join(options.dataDir, 'chain'))
  const refused = await readRefuseList(options.refuseBlobs)
  const disk = soundBlobs(await openBlobStore(join(options.dataDir, 'blobs')), (fault) =>
    log.warn({ fault: logFields(fault) }, 'a blob on the disk was spoilt and is forgotten'),
  )
  const blobs = await refusingBlobs(disk, refused)
  const signers = createSignerPool(signerThreads(), (error) => log.error({ err: error }, 'signers'))
  const rules = await chainRules(genesis, signers.find)
  const chain = await createChain(store, genesis, rules, createTurns(32))
  const { params } = genesis
  const sidecars = createSidecarStore(prefixed(store, utf8ToBytes('p/')))

  const networking = await createNetworking(
    {
      seed: keys?.networkSeed ?? (await networkSeed(options.dataDir)),
      listen: options.listen,
      discover: options.discover,
      bootstrap: [...new Set([...genesis.peers, ...options.bootstrap])],
      validator: keys?.address ?? null,
    },
    { chain, blobs, sidecars, metrics, log },
  )
  const { host, blockSync, ensureBlob } = networking
  const workshop = createWorkshop(
    keys === null ? null : { self: keys.address, votingKey: keys.votingKey },
    options.backend,
    {
      chain,
      clock,
      blobs,
      ensureBlob,
      peers: () => host.peers().map(({ id }) => id),
      askCustodian: networking.askCustodian,
      sidecars,
      metrics,
      log,
    },
    seams,
  )
  const headReader = async () => {
    const reader = await chain.readAt(chain.head().height)
    invariant(reader !== null, 'node: the head can be read')
    return reader
  }
  const pools = {
    account: async (address: Parameters<Awaited<ReturnType<typeof headReader>>['account']>[0]) =>
      (await headReader()).account(address),
    nextBaseFee: () => chain.head().header.calcNextBaseFee(),
  }
  const nextGasLimit = () => BigInt(chain.rules.paramsAt(chain.head().height + 1n).blockGasLimit)
  const transactions = createTransactionPool(
    {},
    { engine: chain.rules.engine, clock, ...pools, nextGasLimit },
  )
  const certificates = createCertificates({
    chain,
    clock,
    verify: workshop.verify,
    ...pools,
    relay: networking.relayCertificate,
    punish: networking.punish,
    metrics,
    log,
  })
  const evidence = createEvidencePool({ chain })
  gossipEvidence(host, evidence)
  serveSnapshots(host, chain)
  const values = createValues({
    chain,
    clock,
    transactions,
    certificates: certificates.pool,
    evidence,
    metrics,
    log,
  })
  const signer = keys === null ? null : await openGuard(options.dataDir, keys, genesis)
  const { work, keeper } = createDuties(
    keys === null ? null : openAccount(keys.accountKey),
    options,
    {
      chain,
      clock,
      certificates,
      transactions,
      pools,
      workshop,
      blobs,
      ensureBlob,
      refused,
      log,
    },
  )
  const follower = createHeadFollower({
    chain,
    transactions,
    certificates,
    evidence,
    work,
    keeper,
    data: createDataKeeper({ blobs, ensureBlob, prepare: workshop.prepare, log }),
    sidecars,
    fetchSidecar: networking.fetchSidecar,
    blockSync,
    metrics,
    log,
  })
  const driver = createDriver(
    {},
    {
      clock,
      chainId: genesis.chainId,
      params,
      head: () => ({ height: chain.head().height, time: chain.head().header.timestamp }),
      setAt: async (height) => {
        const set = await chain.setAt(height)
        invariant(set !== null, `node: no set for block ${height}`)
        return set
      },
      buildValue:
        keys === null || signer === null
          ? () => Promise.reject(new Error('a follower builds no blocks'))
          : values.builder(keys.address, signer),
      judge: values.judge,
      requiredSidecars: values.requiredSidecars,
      sidecarName: values.sidecarName,
      commit: async (height, bytes, commit) => {
        const committed = await chain.commit(bytes, encodeCommit(commit))
        if (!committed.ok)
          throw new Error(`block ${height} was committed: ${describeFault(committed.fault)}`)
      },
      loadCommitted: (height) => loadCommitted(chain, height),
      signer,
      wal: signer === null ? noWal : createWal(join(options.dataDir, 'wal')),
      network: networking.driverNetwork,
      hasWork: follower.hasWork,
      onWork: follower.onWork,
      behind: (peer, height) => blockSync.notifyBehind(peer as PeerId, height),
      misbehaved: (peer, fault) => networking.punish(peer, fault),
      onEvidence: evidence.add,
      onEvent: createDriverEvents({ metrics, log }),
      report: (error) => log.error({ err: error }, 'consensus'),
    },
  )
  networking.connect({
    transactions,
    certificate: (announcement, peer) => {
      certificates
        .take(announcement, peer)
        .catch((error) => log.error({ err: error }, 'certificate'))
    },
    custodian: workshop.custodian?.answer ?? null,
    values,
    advanced: () => driver.advance(),
  })
  const { modules, index, meter } = createRpcModules({
    chain,
    store,
    blobs,
    sidecars,
    transactions,
    host,
    blockSync,
    clock,
    metrics,
    log,
    coinbase: keys?.address ?? null,
    version: `waggle/${packageJson.version}/${process.platform}-${process.arch}/node${process.versions.node}`,
  })
  const rpc = createRpcServer(
    {
      host: options.rpcHost,
      port: options.rpcPort,
      allowUploads: options.allowUploads,
      corsOrigins: options.corsOrigins,
      allowedHosts: options.allowedHosts,
      pagesDir: options.explorerDir,
    },
    modules,
  )
  const quietly = async () => {}
  const stop = await startAll([
    { name: 'the store', start: quietly, stop: store.close },
    {
      name: 'the workers',
      start: quietly,
      stop: async () => {
        workshop.custodian?.stop()
        await workshop.close()
        await signers.close()
      },
    },
    { name: 'the index', start: index.start, stop: index.stop },
    { name: 'the meter of accuracy', start: meter.start, stop: meter.stop },
    { name: 'the network', start: host.start, stop: host.stop },
    {
      name: 'the snapshot',
      start: async () => {
        if (options.snapshot !== undefined)
          await syncSnapshot(options.snapshot, { chain, store, host, clock, log })
      },
      stop: quietly,
    },
    {
      name: 'block sync',
      start: async () => blockSync.start(),
      stop: async () => {
        await blockSync.stop()
        await networking.blobSync.stop()
      },
    },
    createPruner(options.keepStates ?? null, { chain, log }),
    { name: 'the work loop', start: follower.start, stop: follower.stop },
    { name: 'consensus', start: driver.start, stop: driver.stop },
    { name: 'the RPC server', start: rpc.start, stop: rpc.stop },
  ])
  const address = rpc.address()
  invariant(address !== null, 'node: the RPC server listens')
  const rpcUrl = `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
  log.info(
    {
      rpcUrl,
      validator: keys?.address ?? null,
      peerId: host.peerId,
      addresses: host.addresses(),
      height: chain.head().height.toString(),
      genesis: chain.genesisHash,
    },
    'node started',
  )
  return { rpcUrl, stop }
}

/** One is left to the main thread; more than four have nothing to do. */
function signerThreads(): number {
  return Math.max(1, Math.min(4, availableParallelism() - 1))
}

async function readGenesis(path: string): Promise<Genesis> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new Error(`cannot read the genesis at ${path}`, { cause })
  })
  const parsed = parseGenesis(text)
  if (parsed.ok) return parsed.value
  const { field, why } = parsed.fault
  throw new Error(field === '' ? `${path} is no JSON: ${why}` : `${path}: ${field} ${why}`)
}

/** The validator's keys; keystores with weak passwords are taken on development networks only. */
async function readKeys(options: NodeOptions, genesis: Genesis): Promise<ValidatorKeys | null> {
  if (options.keysDir === null) return null
  if (options.passwordFile === null)
    throw new Error(`the keys in ${options.keysDir} need a password file`)
  const password = await readPassword(options.passwordFile)
  if (!password.ok) throw new Error(`cannot read the password: ${describeFault(password.fault)}`)
  const allowWeak = genesis.name.endsWith('devnet')
  const keys = await loadKeys(options.keysDir, password.value, { allowWeak })
  if (!keys.ok) throw new Error(`cannot use the keys: ${describeFault(keys.fault)}`)
  return keys.value
}

async function openGuard(dataDir: string, keys: ValidatorKeys, genesis: Genesis) {
  const signer = await openSigner(join(dataDir, 'signer'), keys.votingKey, genesis.chainId)
  if (!signer.ok) throw new Error(`cannot use the signer's file: ${describeFault(signer.fault)}`)
  return signer.value
}

/** The follower's name on the network, made once. */
async function networkSeed(dataDir: string): Promise<Uint8Array> {
  const path = join(dataDir, 'network.seed')
  if (!existsSync(path)) await writeFile(path, `${toHex(randomBytes(32))}\n`, { mode: 0o600 })
  return fromHex((await readFile(path, 'utf8')).trim())
}
