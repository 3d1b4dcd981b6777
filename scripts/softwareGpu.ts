/**
 * A GPU for machines without one: SwiftShader, as the headless Chromium package brings it along. It runs
 * on the processor, slowly and exactly; tests and benchmarks use it where there is no card.
 */
import { createReadStream } from 'node:fs'
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createBrotliDecompress } from 'node:zlib'

/** The package's archive, whose version names the folder that it is unpacked to. */
const archive = fileURLToPath(
  new URL('../../bin/swiftshader.tar.br', import.meta.resolve('@sparticuz/chromium')),
)
const folder = join(tmpdir(), 'waggle-swiftshader-147')
const icd = 'vk_swiftshader_icd.json'
const loader = 'libvulkan.so.1'

/** Keeps a library after the handle to it is closed; Linux. */
const keepLoaded = 0x1000

/** What a child process needs in its environment to find the software GPU. Linux on x64 only. */
export async function softwareGpuEnvironment(): Promise<Readonly<Record<string, string>>> {
  await unpack()
  return { VK_ICD_FILENAMES: join(folder, icd), LD_LIBRARY_PATH: folder }
}

/** Lets this process find the software GPU, if it has not looked for one yet. */
export async function useSoftwareGpu(): Promise<void> {
  const environment = await softwareGpuEnvironment()
  process.env.VK_ICD_FILENAMES = environment.VK_ICD_FILENAMES
  const flags = constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | keepLoaded
  try {
    // Refused as a module of Node's, and kept by the flag: Dawn then finds the library by its name.
    process.dlopen({ exports: {} }, join(folder, loader), flags)
  } catch (error) {
    if (!(error as Error).message.includes('self-register')) throw error
  }
}

/** Whole or not at all, since several processes may do it at once. */
async function unpack(): Promise<void> {
  if (await exists(join(folder, icd))) return
  const bytes = await buffer(createReadStream(archive).pipe(createBrotliDecompress()))
  await mkdir(dirname(folder), { recursive: true })
  const partial = await mkdtemp(`${folder}.`)
  for (const { name, content } of filesOf(bytes))
    await writeFile(join(partial, name), content, { mode: 0o755 })
  try {
    await rename(partial, folder)
  } catch {
    // Another process was first.
    await rm(partial, { recursive: true, force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** Plain files of a tar archive of short names. @see POSIX.1-2017, pax, "ustar Interchange Format" */
function* filesOf(
  tar: Uint8Array,
): Generator<{ readonly name: string; readonly content: Uint8Array }> {
  const text = (from: number, length: number) =>
    new TextDecoder().decode(tar.subarray(from, from + length)).split('\0')[0]!
  for (let at = 0; at + 512 <= tar.length; ) {
    const size = Number.parseInt(text(at + 124, 12).trim() || '0', 8)
    const name = text(at, 100)
    if (/^[\w.]+$/.test(name) && (tar[at + 156] === 0x30 || tar[at + 156] === 0))
      yield { name, content: tar.subarray(at + 512, at + 512 + size) }
    at += 512 + 512 * Math.ceil(size / 512)
  }
}
