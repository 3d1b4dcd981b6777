/**
 * WGSL over columns of integers: how they are cut into code rows (`ligero.ts`), their weighted sums
 * (`linear.ts`), and the leaves that they become (`unitLeaves.ts`).
 */
import { extensionShader } from './gpuField.ts'

/** Threads of a workgroup. */
export const columnThreads = 64

/** First fields of a uniform that places a matrix in code rows. */
export const placedFields =
  'stride: u32, strideBits: u32, lowBits: u32, colBits: u32, rows: u32, cols: u32, rowStride: u32, base: u32'

/** A coefficient of a code row, canonical; 0 where nothing is stored. Needs `f` and `cells`. */
export const placedShader: string = `
fn coefficient(codeRow: u32, c: u32) -> u32 {
  let place = (codeRow << f.lowBits) + ((c / f.stride) << f.strideBits) + c % f.stride;
  let row = place >> f.colBits;
  let col = place & ((1u << f.colBits) - 1u);
  if (row >= f.rows || col >= f.cols) { return 0u; }
  let value = cells[f.base + row * f.rowStride + col];
  return select(u32(value), u32(value) + P, value < 0i);
}
`

/**
 * Adds `Σ weight · code row` to as many parts as there are workgroups along y, each of `share` rows.
 * Bindings 1 cells, 2 weights raised, 3 parts of `width` elements each.
 */
export const weighRowsShader: string = `${extensionShader}
struct Fields {
  ${placedFields},
  width: u32, codeRows: u32, share: u32,
  // The row of the first weight.
  firstWeight: u32,
}
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> cells: array<i32>;
@group(0) @binding(2) var<storage, read> weights: array<u32>;
@group(0) @binding(3) var<storage, read_write> parts: array<u32>;
${placedShader}
@compute @workgroup_size(${columnThreads})
fn weighRows(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= f.width) { return; }
  let to = 5u * (id.y * f.width + id.x);
  var sum: Element;
  for (var k = 0u; k < 5u; k++) { sum[k] = parts[to + k]; }
  let first = id.y * f.share;
  for (var row = first; row < min(first + f.share, f.codeRows); row++) {
    let value = coefficient(row, id.x);
    if (value == 0u) { continue; }
    let at = 5u * (f.firstWeight + row);
    for (var k = 0u; k < 5u; k++) { sum[k] = add(sum[k], mont(value, weights[at + k])); }
  }
  for (var k = 0u; k < 5u; k++) { parts[to + k] = sum[k]; }
}
`

/** Bindings 1 parts of `words` words each, 2 their sum. */
export const addPartsShader: string = `${extensionShader}
struct Fields { words: u32, parts: u32 }
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> parts: array<u32>;
@group(0) @binding(2) var<storage, read_write> total: array<u32>;

@compute @workgroup_size(${columnThreads})
fn addParts(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= f.words) { return; }
  var sum = 0u;
  for (var part = 0u; part < f.parts; part++) { sum = add(sum, parts[part * f.words + id.x]); }
  total[id.x] = sum;
}
`

/** `Σ weight · column`, a workgroup for each row. Bindings 1 cells, 2 weights raised, 3 sums. */
export const weighColumnsShader: string = `${extensionShader}
struct Fields { rows: u32, cols: u32, rowStride: u32, base: u32 }
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> cells: array<i32>;
@group(0) @binding(2) var<storage, read> weights: array<u32>;
@group(0) @binding(3) var<storage, read_write> sums: array<u32>;

var<workgroup> shares: array<Element, ${columnThreads}>;

@compute @workgroup_size(${columnThreads})
fn weighColumns(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  var sum: Element;
  for (var col = index; col < f.cols; col += ${columnThreads}u) {
    let value = cells[f.base + group.x * f.rowStride + col];
    let word = select(u32(value), u32(value) + P, value < 0i);
    for (var k = 0u; k < 5u; k++) { sum[k] = add(sum[k], mont(word, weights[5u * col + k])); }
  }
  shares[index] = sum;
  workgroupBarrier();
  for (var half = ${columnThreads / 2}u; half > 0u; half /= 2u) {
    if (index < half) { shares[index] = addElements(shares[index], shares[index + half]); }
    workgroupBarrier();
  }
  if (index < 5u) { sums[5u * group.x + index] = shares[0][index]; }
}
`

/**
 * Leaves of one member of a group: `base − Σ weight·part`, even cells apart from odd ones.
 * Bindings 1 to 3 parts, 4 base and three weights raised, 5 all leaves of the group.
 */
export const unitsShader: string = `${extensionShader}
struct Fields {
  cells: u32, parts: u32,
  from1: u32, from2: u32, from3: u32,
  // Elements before the member's.
  evens: u32, odds: u32,
}
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> first: array<i32>;
@group(0) @binding(2) var<storage, read> second: array<i32>;
@group(0) @binding(3) var<storage, read> third: array<i32>;
@group(0) @binding(4) var<storage, read> constants: array<u32>;
@group(0) @binding(5) var<storage, read_write> units: array<u32>;

fn weighed(sum: Element, value: i32, part: u32) -> Element {
  let word = select(u32(value), u32(value) + P, value < 0i);
  var rest: Element;
  for (var k = 0u; k < 5u; k++) { rest[k] = sub(sum[k], mont(word, constants[5u * part + k])); }
  return rest;
}

@compute @workgroup_size(${columnThreads})
fn fillUnits(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let cell = (group.y * groups.x + group.x) * ${columnThreads}u + index;
  if (cell >= f.cells) { return; }
  var sum: Element;
  for (var k = 0u; k < 5u; k++) { sum[k] = constants[k]; }
  sum = weighed(sum, first[f.from1 + cell], 1u);
  if (f.parts > 1u) { sum = weighed(sum, second[f.from2 + cell], 2u); }
  if (f.parts > 2u) { sum = weighed(sum, third[f.from3 + cell], 3u); }
  let to = 5u * (select(f.evens, f.odds, cell % 2u == 1u) + cell / 2u);
  for (var k = 0u; k < 5u; k++) { units[to + k] = sum[k]; }
}
`

/** Records of the level above. Bindings 1 quads, or pairs as all even ones and all odd ones; 2 records. */
export function combineShader(of: 'quads' | 'pairs'): string {
  const made =
    of === 'quads'
      ? `let start = 20u * (line * f.length + i);
    let p0 = element(start);
    let q0 = raise(element(start + 5u));
    let q1 = element(start + 15u);
    p = addElements(times(raise(p0), q1), times(q0, element(start + 10u)));
    q = times(q0, q1);`
      : `let start = 5u * (line * f.length + i);
    let even = element(start);
    let odd = element(start + 5u * f.lines * f.length);
    p = addElements(even, odd);
    q = times(raise(even), odd);`
  return `${extensionShader}
// Lines of length records, padded to an even length by (0, 1).
struct Fields { lines: u32, length: u32 }
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read_write> records: array<u32>;

fn element(start: u32) -> Element {
  return Element(values[start], values[start + 1u], values[start + 2u], values[start + 3u], values[start + 4u]);
}

@compute @workgroup_size(${columnThreads})
fn combine(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let at = (group.y * groups.x + group.x) * ${columnThreads}u + index;
  let even = f.length + (f.length & 1u);
  if (at >= f.lines * even) { return; }
  let line = at / even;
  let i = at % even;
  var p: Element;
  var q = Element(1u, 0u, 0u, 0u, 0u);
  if (i < f.length) {
    ${made}
  }
  for (var k = 0u; k < 5u; k++) {
    records[10u * at + k] = p[k];
    records[10u * at + 5u + k] = q[k];
  }
}
`
}

/** `p1 += λ·q1` in place. Bindings 1 λ raised, 2 quads. */
export const tiltShader: string = `${extensionShader}
struct Fields { quads: u32 }
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> lambda: array<u32>;
@group(0) @binding(2) var<storage, read_write> values: array<u32>;

@compute @workgroup_size(${columnThreads})
fn tilt(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let quad = (group.y * groups.x + group.x) * ${columnThreads}u + index;
  if (quad >= f.quads) { return; }
  let p = 20u * quad + 10u;
  var q1: Element;
  var by: Element;
  for (var k = 0u; k < 5u; k++) {
    q1[k] = values[p + 5u + k];
    by[k] = lambda[k];
  }
  let more = times(by, q1);
  for (var k = 0u; k < 5u; k++) { values[p + k] = add(values[p + k], more[k]); }
}
`
