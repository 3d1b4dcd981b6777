/**
 * WGSL of commitments: rows are encoded (`ntt.ts`), columns and nodes hashed with SHA-256 (FIPS 180-4),
 * opened entries picked.
 */
import { placedFields, placedShader } from './gpuColumnShader.ts'
import { fieldShader } from './gpuField.ts'

/** Words of a row that one workgroup transforms in its own memory: 16 KiB. */
export const blockWords = 4096
/** Threads of a workgroup that encodes. */
const threads = 256
/** Butterflies, columns or words of a workgroup elsewhere. */
export const wide = 64

/** Bindings 1 cells of a column, 2 raised twiddles, 3 code. */
export const encodeShader: string = `${fieldShader}
struct Fields {
  ${placedFields},
  size: u32, run: u32, width: u32, first: u32,
  // Of the column's own code rows.
  firstOwn: u32,
}
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> cells: array<i32>;
${placedShader}
@group(0) @binding(2) var<storage, read> twiddles: array<u32>;
@group(0) @binding(3) var<storage, read_write> code: array<u32>;

var<workgroup> staged: array<u32, ${blockWords}>;

// The first stages of a block of a row; missing coefficients make runs of equal values.
@compute @workgroup_size(${threads})
fn encode(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let length = min(f.size, ${blockWords}u);
  let start = group.x * length;
  let groups = f.size / f.run;
  let shift = 32u - firstTrailingBit(groups);
  for (var i = index; i < length; i += ${threads}u) {
    let at = (start + i) / f.run;
    var source = 0u;
    if (groups > 1u) { source = reverseBits(at) >> shift; }
    staged[i] = 0u;
    if (source < f.width) { staged[i] = coefficient(f.firstOwn + group.y, source); }
  }
  workgroupBarrier();
  for (var half = f.run; half < length; half *= 2u) {
    for (var k = index; k < length / 2u; k += ${threads}u) {
      let offset = k & (half - 1u);
      let low = 2u * (k - offset) + offset;
      let a = staged[low];
      let term = mont(staged[low + half], twiddles[half + offset]);
      staged[low] = add(a, term);
      staged[low + half] = sub(a, term);
    }
    workgroupBarrier();
  }
  let to = (f.first + group.y) * f.size + start;
  for (var i = index; i < length; i += ${threads}u) { code[to + i] = staged[i]; }
}
`

/** One stage of long rows. Bindings 1 raised twiddles, 2 code. */
export const stageShader: string = `${fieldShader}
struct Fields { size: u32, first: u32, half: u32 }
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> twiddles: array<u32>;
@group(0) @binding(2) var<storage, read_write> code: array<u32>;

@compute @workgroup_size(${wide})
fn stage(@builtin(global_invocation_id) id: vec3<u32>) {
  let offset = id.x & (f.half - 1u);
  let low = (f.first + id.y) * f.size + 2u * (id.x - offset) + offset;
  let a = code[low];
  let term = mont(code[low + f.half], twiddles[f.half + offset]);
  code[low] = add(a, term);
  code[low + f.half] = sub(a, term);
}
`

/** Bindings 1 code, 2 positions, 3 picked words. */
export const pickShader: string = `
struct Fields { size: u32, rows: u32, first: u32, total: u32 }
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> code: array<u32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read_write> picked: array<u32>;

@compute @workgroup_size(${wide})
fn pick(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= f.rows) { return; }
  picked[id.y * f.total + f.first + id.x] = code[id.x * f.size + positions[id.y]];
}
`

const roundConstants = `428a2f98 71374491 b5c0fbcf e9b5dba5 3956c25b 59f111f1 923f82a4 ab1c5ed5
d807aa98 12835b01 243185be 550c7dc3 72be5d74 80deb1fe 9bdc06a7 c19bf174 e49b69c1 efbe4786 0fc19dc6
240ca1cc 2de92c6f 4a7484aa 5cb0a9dc 76f988da 983e5152 a831c66d b00327c8 bf597fc7 c6e00bf3 d5a79147
06ca6351 14292967 27b70a85 2e1b2138 4d2c6dfc 53380d13 650a7354 766a0abb 81c2c92e 92722c85 a2bfe8a1
a81a664b c24b8b70 c76c51a3 d192e819 d6990624 f40e3585 106aa070 19a4c116 1e376c08 2748774c 34b0bcb5
391c0cb3 4ed8aa4a 5b9cca4f 682e6ff3 748f82ee 78a5636f 84c87814 8cc70208 90befffa a4506ceb bef9a3f7
c67178f2`.split(/\s+/)

const initialState =
  '6a09e667 bb67ae85 3c6ef372 a54ff53a 510e527f 9b05688c 1f83d9ab 5be0cd19'.split(' ')

const names = 'abcdefgh'.split('')

/** One round, with the roles of the eight variables turned instead of their values moved. */
function round(number: number): string {
  const [a, b, c, d, e, f, g, h] = names.map((_, i) => names[(i - (number % 8) + 8) % 8]!)
  const word = (back: number) => `w${(number + 16 - back) % 16}`
  const w = word(16)
  const extended = `${w} += (turn(${word(15)}, 7u) ^ turn(${word(15)}, 18u) ^ (${word(15)} >> 3u))
      + ${word(7)} + (turn(${word(2)}, 17u) ^ turn(${word(2)}, 19u) ^ (${word(2)} >> 10u));`
  return `${number < 16 ? '' : extended}
    ${h} += (turn(${e}, 6u) ^ turn(${e}, 11u) ^ turn(${e}, 25u)) + ((${e} & ${f}) ^ (~${e} & ${g}))
      + 0x${roundConstants[number]}u + ${w};
    ${d} += ${h};
    ${h} += (turn(${a}, 2u) ^ turn(${a}, 13u) ^ turn(${a}, 22u))
      + ((${a} & ${b}) ^ (${a} & ${c}) ^ (${b} & ${c}));`
}

const range = (length: number) => Array.from({ length }, (_, i) => i)

/**
 * Digests of messages of one prefix byte and words, word `r` of message `c` at `r·rowStride + c·messageStride`.
 * A message may come in blocks of rows, all but the last a multiple of 16; between them `held` keeps the state.
 * Bindings 1 words, 2 held, 3 digests.
 */
export const hashShader: string = `
struct Fields {
  messages: u32, rows: u32, rowStride: u32, messageStride: u32,
  prefix: u32,
  // Rows before these.
  done: u32,
  isLast: u32,
}
@group(0) @binding(0) var<uniform> f: Fields;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> held: array<u32>;
@group(0) @binding(3) var<storage, read_write> digests: array<u32>;

fn turn(x: u32, by: u32) -> u32 { return (x >> by) | (x << (32u - by)); }

fn swapped(x: u32) -> u32 {
  return (x << 24u) | ((x & 0xff00u) << 8u) | ((x >> 8u) & 0xff00u) | (x >> 24u);
}

@compute @workgroup_size(${wide})
fn hash(@builtin(global_invocation_id) id: vec3<u32>) {
  let message = id.x;
  if (message >= f.messages) { return; }
  var s: array<u32, 8>;
  // The last byte of the word before, on top: the prefix moves all words by a byte.
  var carry = f.prefix << 24u;
  if (f.done == 0u) {
    s = array<u32, 8>(${initialState.map((word) => `0x${word}u`).join(', ')});
  } else {
    for (var i = 0u; i < 8u; i++) { s[i] = held[i * f.messages + message]; }
    carry = held[8u * f.messages + message];
  }
  // The end takes a byte of the last word, one that marks it, and eight for the length.
  let blocks = select(f.rows / 16u, (f.rows + 18u) / 16u, f.isLast == 1u);
  var at = message * f.messageStride;
  for (var block = 0u; block < blocks; block++) {
    ${range(16)
      .map(
        (i) => `var w${i} = carry;
    {
      let row = 16u * block + ${i}u;
      if (row < f.rows) {
        let turned = swapped(words[at]);
        w${i} = carry | (turned >> 8u);
        carry = turned << 24u;
      } else {
        w${i} = select(0u, carry | 0x800000u, row == f.rows);
        carry = 0u;
      }
      at += f.rowStride;
    }`,
      )
      .join('\n    ')}
    if (f.isLast == 1u && block + 1u == blocks) { w15 = 8u + 32u * (f.done + f.rows); }
    ${names.map((name, i) => `var ${name} = s[${i}];`).join(' ')}
    ${range(64).map(round).join('\n    ')}
    ${names.map((name, i) => `s[${i}] += ${name};`).join(' ')}
  }
  if (f.isLast == 1u) {
    for (var i = 0u; i < 8u; i++) { digests[8u * message + i] = swapped(s[i]); }
  } else {
    for (var i = 0u; i < 8u; i++) { held[i * f.messages + message] = s[i]; }
    held[8u * f.messages + message] = carry;
  }
}
`
