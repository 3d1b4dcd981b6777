/**
 * The library's trie and state manager with our own ways of reading an entry and of writing what a
 * block changed: all at once, in place of one entry after the other.
 */
import { MerklePatriciaTrie } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { CODEHASH_PREFIX, MerkleStateManager } from '@ethereumjs/statemanager'
import { Account, type Address, createAddressFromString, unpadBytes } from '@ethereumjs/util'
import { concatBytes, equalBytes, fromHex } from '../primitives/bytes.ts'
import { invariant } from '../primitives/result.ts'
import { keccak256 } from './keccak.ts'
import { readTrie, type TrieChange, updateTrie } from './trieUpdate.ts'

type CopyOptions = Parameters<MerklePatriciaTrie['shallowCopy']>[1]

/** A trie whose keys are hashed, without prefix, pruning or kept root. */
export class StateTrie extends MerklePatriciaTrie {
  override async get(key: Uint8Array, throwIfMissing = false): Promise<Uint8Array | null> {
    try {
      return await readTrie({ get: (hash) => this.#node(hash) }, this.#top(), keccak256(key))
    } catch (error) {
      if (error instanceof Missing && !throwIfMissing) return null
      throw error
    }
  }

  /** Change entries of different keys, not hashed yet. */
  async change(changes: readonly TrieChange[]): Promise<void> {
    const puts: Promise<void>[] = []
    const store = {
      get: (hash: Uint8Array) => this.#node(hash),
      put: (hash: Uint8Array, bytes: Uint8Array) => {
        puts.push(this._db.put(hash, bytes))
      },
    }
    const hashed = changes.map(({ key, value }) => ({ key: keccak256(key), value }))
    const root = await updateTrie(store, this.#top(), hashed)
    await Promise.all(puts)
    this.root(root)
  }

  override shallowCopy(includeCheckpoints = true, options?: CopyOptions): StateTrie {
    invariant(!includeCheckpoints, 'StateTrie: a copy has no checkpoints')
    return new StateTrie({
      ...this._opts,
      db: this._db.db.shallowCopy(),
      root: this.root(),
      cacheSize: options?.cacheSize ?? 0,
    })
  }

  #top(): Uint8Array | null {
    const root = this.root()
    return equalBytes(root, this.EMPTY_TRIE_ROOT) ? null : root
  }

  async #node(hash: Uint8Array): Promise<Uint8Array> {
    const bytes = await this._db.get(hash)
    if (bytes === undefined) throw new Missing('Missing node in DB')
    return bytes
  }
}

/** As the library spells it: it looks for this text. */
class Missing extends Error {
  override readonly name = 'Missing'
}

/** A state manager that writes what its caches hold with {@link StateTrie.change}. */
export class BatchedState extends MerkleStateManager {
  override async flush(): Promise<void> {
    await this.flushCode()
    await this.flushStorage()
    const accounts = this._caches?.account?.flush() ?? []
    await changeTrie(
      this._trie,
      accounts.map(([address, { accountRLP }]) => ({
        key: fromHex(address),
        value: accountRLP ?? null,
      })),
    )
  }

  /** Kept until the flush: the library would write each into its trie at once, and hash the way there. */
  override async putStorage(address: Address, key: Uint8Array, value: Uint8Array): Promise<void> {
    const storage = this._caches?.storage
    invariant(storage !== undefined, 'BatchedState: a cache of storage')
    invariant(key.length === 32 && value.length <= 32, 'BatchedState: a slot and a word')
    invariant((await this.getAccount(address)) !== undefined, 'BatchedState: storage of nobody')
    storage.put(address, key, RLP.encode(unpadBytes(value)))
  }

  override async clearStorage(address: Address): Promise<void> {
    this.forgetStorage(address)
    await super.clearStorage(address)
  }

  override async deleteAccount(address: Address): Promise<void> {
    this.forgetStorage(address)
    await super.deleteAccount(address)
  }

  /** One by one, so that a revert brings back what only the cache has. */
  protected forgetStorage(address: Address): void {
    const storage = this._caches?.storage
    for (const key of [...(storage?.dump(address)?.keys() ?? [])])
      storage?.del(address, fromHex(key))
  }

  protected async flushCode(): Promise<void> {
    for (const [hex, { code }] of this._caches?.code?.flush() ?? []) {
      if (code === undefined) continue
      const address = createAddressFromString(`0x${hex}`)
      const codeHash = keccak256(code)
      await this._getCodeDB().put(concatBytes(CODEHASH_PREFIX, codeHash), code)
      const account = (await this.getAccount(address)) ?? new Account()
      account.codeHash = codeHash
      await this.putAccount(address, account)
    }
  }

  /** Account by account; entries of accounts that are gone are gone with them. */
  protected async flushStorage(): Promise<void> {
    const byAccount = new Map<string, TrieChange[]>()
    for (const [hex, key, value] of this._caches?.storage?.flush() ?? []) {
      const changes = byAccount.get(hex) ?? []
      changes.push({ key: fromHex(key), value: isNothing(value) ? null : value })
      byAccount.set(hex, changes)
    }
    for (const [hex, changes] of byAccount) {
      const address = createAddressFromString(`0x${hex}`)
      const account = await this.getAccount(address)
      if (account === undefined) continue
      const trie = this._getStorageTrie(address, account)
      await changeTrie(trie, changes)
      if (equalBytes(account.storageRoot, trie.root())) continue
      account.storageRoot = trie.root()
      await this.putAccount(address, account)
    }
  }
}

/** Of a value as its cache has it: nothing is spelled as an empty string. */
function isNothing(value: Uint8Array | undefined): value is undefined {
  return value === undefined || value.length === 0 || (value.length === 1 && value[0] === 0x80)
}

async function changeTrie(trie: MerklePatriciaTrie, changes: readonly TrieChange[]): Promise<void> {
  invariant(trie instanceof StateTrie, 'BatchedState: a trie of our own')
  if (changes.length > 0) await trie.change(changes)
}
