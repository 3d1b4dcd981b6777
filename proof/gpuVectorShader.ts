/**
 * WGSL of sumcheck rounds over vectors of elements: binding a variable, and the sums of a round
 * (`fractionTree.ts`, `unitLeaves.ts`, `multilinear.ts`).
 */
import { extensionShader } from './gpuField.ts'

/** Threads of a workgroup. */
export const vectorThreads = 64

/** Bindings 1 values, 2 `r` raised and what is missing, 3 folded. */
export const foldShader: string = `${extensionShader}
// Lines of length records, each of width elements; total elements of the result.
struct Fields { length: u32, width: u32, total: u32 }
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read> given: array<u32>;
@group(0) @binding(3) var<storage, read_write> folded: array<u32>;

@compute @workgroup_size(${vectorThreads})
fn fold(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let at = (group.y * groups.x + group.x) * ${vectorThreads}u + index;
  if (at >= f.total) { return; }
  let rest = (f.length + 1u) / 2u;
  let part = at % f.width;
  let record = at / f.width;
  let i = 2u * (record % rest);
  let low = 5u * (((record / rest) * f.length + i) * f.width + part);
  let high = low + 5u * f.width;
  let isPaired = i + 1u < f.length;
  var a: Element;
  var b: Element;
  var r: Element;
  for (var k = 0u; k < 5u; k++) {
    a[k] = values[low + k];
    if (isPaired) { b[k] = values[high + k]; } else { b[k] = given[5u + 5u * part + k]; }
    r[k] = given[k];
  }
  let bound = addElements(a, times(r, subElements(b, a)));
  for (var k = 0u; k < 5u; k++) { folded[5u * at + k] = bound[k]; }
}
`

/** The elements of the record at `i` into `into`. */
const summed = {
  quads: { width: 4, h: 'addElements(times(x[0], x[3]), times(x[2], x[1]))' },
  pairs: { width: 2, h: 'times(x[0], x[1])' },
} as const

/**
 * Sums of weighted pairs at 0 and of the leading coefficient, one for each workgroup, times 2^−96.
 * Bindings 1 values, 2 missing, 3 weights in a line, 4 weights of lines, 5 sums.
 */
export function sumShader(kind: keyof typeof summed): string {
  const { width, h } = summed[kind]
  // Pairs are all even ones, then all odd ones; what is missing is the same for both.
  const place = kind === 'quads' ? '5u * (4u * i + part)' : '5u * (part * f.total + i)'
  const absent = kind === 'quads' ? '5u * part' : '0u'
  return `${extensionShader}
// Lines of length records; total records, and pairs in all lines.
struct Fields { length: u32, total: u32, pairs: u32 }
alias Record = array<Element, ${width}>;
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> values: array<u32>;
@group(0) @binding(2) var<storage, read> missing: array<u32>;
@group(0) @binding(3) var<storage, read> inLine: array<u32>;
@group(0) @binding(4) var<storage, read> ofLine: array<u32>;
@group(0) @binding(5) var<storage, read_write> sums: array<u32>;

var<workgroup> zeros: array<Element, ${vectorThreads}>;
var<workgroup> leadings: array<Element, ${vectorThreads}>;

fn weight(line: u32, i: u32) -> Element {
  var a: Element;
  var b: Element;
  for (var k = 0u; k < 5u; k++) {
    a[k] = inLine[5u * i + k];
    b[k] = ofLine[5u * line + k];
  }
  return times(a, b);
}

fn h(x: Record) -> Element {
  return ${h};
}

@compute @workgroup_size(${vectorThreads})
fn sum(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let rest = (f.length + 1u) / 2u;
  var zero: Element;
  var leading: Element;
  for (var pair = group.x * ${vectorThreads}u + index; pair < f.pairs; pair += groups.x * ${vectorThreads}u) {
    let line = pair / rest;
    let low = line * f.length + 2u * (pair % rest);
    let isPaired = 2u * (pair % rest) + 1u < f.length;
    var x: Record;
    var rise: Record;
    for (var part = 0u; part < ${width}u; part++) {
      var i = low;
      let first = ${place};
      i = low + 1u;
      let second = ${place};
      var y: Element;
      for (var k = 0u; k < 5u; k++) {
        x[part][k] = values[first + k];
        if (isPaired) { y[k] = values[second + k]; } else { y[k] = missing[${absent} + k]; }
      }
      rise[part] = subElements(y, x[part]);
    }
    let w = weight(line, pair % rest);
    zero = addElements(zero, times(w, h(x)));
    leading = addElements(leading, times(w, h(rise)));
  }
  zeros[index] = zero;
  leadings[index] = leading;
  workgroupBarrier();
  for (var half = ${vectorThreads / 2}u; half > 0u; half /= 2u) {
    if (index < half) {
      zeros[index] = addElements(zeros[index], zeros[index + half]);
      leadings[index] = addElements(leadings[index], leadings[index + half]);
    }
    workgroupBarrier();
  }
  if (index < 5u) {
    sums[10u * group.x + index] = zeros[0][index];
    sums[10u * group.x + 5u + index] = leadings[0][index];
  }
}
`
}
