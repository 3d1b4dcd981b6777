/**
 * WGSL of the WebGPU backend. One product, `C[m,n] = Σ_k A[m,k]·B[n,k]` over int8 packed four to a word
 * along `k`, serves all three contractions; what follows the sum is fused behind it. Results are written
 * twice, as `[m, n]` and across as `[n, m]`, because the next products read both.
 *
 * Every side is padded with zeros to a multiple of the tile, so no bounds are checked: padding gives 0.
 */

import {
  type MatrixConfig,
  matrixEnd,
  matrixHeader,
  matrixStart,
  matrixStep,
  matrixSums,
} from './webgpuMatrices.ts'

/** A workgroup of `side²` threads computes a tile of `(side·cells)²` cells, `cells²` in each thread. */
export type Tile = {
  readonly side: number
  readonly cells: number
  /** Subgroup matrices that make the sums; else dot products do. */
  readonly matrix?: MatrixConfig
}

/** What happens to the sums; also the names of the entry points. */
export type Entry = 'sums' | 'activate' | 'error' | 'mask' | 'maskAfter' | 'update'

/** Fields of the uniform, in order, each a 32-bit word. */
export const productFields = [
  'leftStride',
  'leftRow',
  'leftWord',
  'depth',
  'column',
  'outStride',
  'acrossStride',
  'shift',
  'floor',
  'fractionBits',
  'counter',
  'previous',
] as const

export type ProductFields = Readonly<Partial<Record<(typeof productFields)[number], number>>>

/** Words of the counters: the loss in two, saturated weights, then zero errors of each layer. */
export const lossWord = 0
export const saturatedWord = 2
export const firstZeroWord = 3

/** The bindings that an entry point uses, by name. */
export const bindingsOf: Readonly<Record<Entry, readonly BindingName[]>> = {
  sums: ['fields', 'left', 'right', 'words'],
  activate: ['fields', 'left', 'right', 'out', 'across'],
  error: ['fields', 'left', 'right', 'out', 'across', 'words', 'counters'],
  mask: ['fields', 'left', 'right', 'out', 'across', 'counters', 'active'],
  maskAfter: ['fields', 'left', 'right', 'out', 'across', 'words', 'counters', 'active'],
  update: ['fields', 'left', 'right', 'out', 'across', 'words', 'counters'],
}

export const bindingNames = [
  'fields',
  'left',
  'right',
  'out',
  'across',
  'words',
  'counters',
  'active',
] as const

export type BindingName = (typeof bindingNames)[number]

export const transposeShader = `
struct Sides { rowWords: u32, columnWords: u32 }
@group(0) @binding(0) var<uniform> sides: Sides;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> turned: array<u32>;

// Sixteen int8 in each thread: four words of four rows become four words of four columns.
@compute @workgroup_size(8, 8)
fn transpose(@builtin(global_invocation_id) id: vec3<u32>) {
  let first = 4u * id.y * sides.columnWords + id.x;
  var rows: array<u32, 4>;
  for (var i = 0u; i < 4u; i++) { rows[i] = source[first + i * sides.columnWords]; }
  for (var j = 0u; j < 4u; j++) {
    var word = 0u;
    for (var i = 0u; i < 4u; i++) { word |= ((rows[i] >> (8u * j)) & 255u) << (8u * i); }
    turned[(4u * id.x + j) * sides.rowWords + id.y] = word;
  }
}
`

export function productShader({ side, cells, matrix }: Tile): string {
  const tile = side * cells
  // Words along the contraction that are staged at once; a tile is a whole number of them.
  const stage = Math.min(16, tile / 4)
  // Dot products read a column of words at a time, matrices rows of them.
  const place = matrix === undefined ? 'word * tile + row' : 'row * stage + word'
  const dots = `
    for (var word = 0u; word < stage; word++) {
      var l: array<u32, cells>;
      for (var i = 0u; i < cells; i++) { l[i] = stagedLeft[word * tile + local.y * cells + i]; }
      for (var j = 0u; j < cells; j++) {
        let r = stagedRight[word * tile + local.x * cells + j];
        for (var i = 0u; i < cells; i++) { c[i * cells + j] += dot4I8Packed(l[i], r); }
      }
    }`
  const entry = (name: Entry, finish: string) => `
@compute @workgroup_size(${side}, ${side})
fn ${name}(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,${matrix === undefined ? '' : '\n  @builtin(subgroup_id) subgroup: u32,'}
) {
  let m = group.y * tile + local.y * cells;
  let n = group.x * tile + local.x * cells;
  var c: array<i32, cells * cells>;${matrix === undefined ? '' : matrixStart(matrix)}
  for (var k = 0u; k < f.depth; k += stage) {
    for (var at = index; at < tile * stage; at += threads) {
      let row = at / stage;
      let word = at % stage;
      stagedLeft[${place}] =
        left[(f.leftRow + group.y * tile + row) * f.leftStride + f.leftWord + k + word];
      stagedRight[${place}] = right[(group.x * tile + row) * f.depth + k + word];
    }
    workgroupBarrier();${matrix === undefined ? dots : matrixStep(matrix, stage)}
    workgroupBarrier();
  }${matrix === undefined ? '' : matrixEnd(matrix)}${finish}
}
`
  const eachCell = (body: string) => `
  for (var i = 0u; i < cells; i++) {
    for (var j = 0u; j < cells; j++) {
      let at = i * cells + j;
      ${body}
    }
  }`
  const mask = `
  var zeros = 0u;${eachCell(`let word = lit[(m + i) * f.outStride + (n + j) / 4u];
      let isOff = ((word >> (8u * ((n + j) % 4u))) & 255u) == 0u;
      c[at] = select(rescale(c[at]), 0i, isOff);
      zeros += select(0u, 1u, c[at] == 0i);`)}
  atomicAdd(&counters[f.counter], zeros);
  store(&c, m, n);`
  return `${matrix === undefined ? '' : matrixHeader}
const cells = ${cells}u;
const tile = ${tile}u;
const threads = ${side * side}u;
const stage = ${stage}u;

struct Fields {
  ${productFields.map((name) => `${name}: ${name === 'floor' ? 'i32' : 'u32'},`).join('\n  ')}
}
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> left: array<u32>;
@group(0) @binding(2) var<storage, read> right: array<u32>;
@group(0) @binding(3) var<storage, read_write> out: array<u32>;
@group(0) @binding(4) var<storage, read_write> across: array<u32>;
@group(0) @binding(5) var<storage, read_write> words: array<i32>;
@group(0) @binding(6) var<storage, read_write> counters: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read> lit: array<u32>;

var<workgroup> stagedLeft: array<u32, tile * stage>;
var<workgroup> stagedRight: array<u32, tile * stage>;
${matrix === undefined ? '' : matrixSums}

fn rescale(sum: i32) -> i32 {
  return clamp((sum + (1i << (f.shift - 1u))) >> f.shift, f.floor, 127i);
}

// A sum of 64 bits: the low word carries into the high one.
fn addLoss(loss: u32) {
  let before = atomicAdd(&counters[${lossWord}], loss);
  if (before + loss < before) { atomicAdd(&counters[${lossWord + 1}], 1u); }
}

// Four cells to a word, along the rows and across them.
fn store(c: ptr<function, array<i32, cells * cells>>, m: u32, n: u32) {
  for (var i = 0u; i < cells; i++) {
    for (var j = 0u; j < cells; j += 4u) {
      let a = i * cells + j;
      let b = j * cells + i;
      out[(m + i) * f.outStride + (f.column + n + j) / 4u] =
        pack4xI8(vec4<i32>((*c)[a], (*c)[a + 1u], (*c)[a + 2u], (*c)[a + 3u]));
      across[(f.column + n + i) * f.acrossStride + (m + j) / 4u] = pack4xI8(vec4<i32>(
        (*c)[b], (*c)[b + cells], (*c)[b + 2u * cells], (*c)[b + 3u * cells]));
    }
  }
}
${entry(
  'sums',
  eachCell(`let to = (m + i) * f.outStride + n + j;
      words[to] = c[at] + select(0i, words[to], f.previous == 1u);`),
)}
${entry('activate', `${eachCell('c[at] = rescale(c[at]);')}\n  store(&c, m, n);`)}
${entry(
  'error',
  `
  var loss = 0u;
  var zeros = 0u;${eachCell(`let wanted = select(0i, 64i, words[m + i] == i32(f.column + n + j));
      let difference = rescale(c[at]) - wanted;
      loss += u32(difference * difference);
      c[at] = max(difference, -127i);
      zeros += select(0u, 1u, c[at] == 0i);`)}
  addLoss(loss);
  atomicAdd(&counters[f.counter], zeros);
  store(&c, m, n);`,
)}
${entry('mask', mask)}
${entry('maskAfter', `${eachCell('c[at] += words[(m + i) * 4u * f.outStride + n + j];')}${mask}`)}
// State is 2^F·w + rho in one word; the integer part saturates, the fraction is kept.
${entry(
  'update',
  `
  var saturated = 0u;${eachCell(`let to = (m + i) * 4u * f.outStride + n + j;
      let next = words[to] - (c[at] << f.shift);
      let quotient = next >> f.fractionBits;
      c[at] = clamp(quotient, -127i, 127i);
      words[to] = next + ((c[at] - quotient) << f.fractionBits);
      saturated += select(0u, 1u, c[at] != quotient);`)}
  if (saturated > 0u) { atomicAdd(&counters[${saturatedWord}], saturated); }
  store(&c, m, n);`,
)}
`
}
