// What the page holds: the head at once, rows of the table after unfolding, arrays of sequences when they are looked at.
const byId = (id) => document.getElementById(id);
const head = JSON.parse(byId("head").textContent);
const BASES = "ACGT";
const TYPED = {
  i1: Int8Array, i2: Int16Array, i4: Int32Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array,
  f4: Float32Array, f8: Float64Array,
};
const KEPT_PACKS = 60; // unfolded at a time

// base64, gzip, JSON header, arrays: see _packing.py
async function unpack(text) {
  const coded = atob(text.trim());
  const bytes = new Uint8Array(coded.length);
  for (let i = 0; i < coded.length; i++) bytes[i] = coded.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const size = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const arrays = {};
  for (const [name, one] of Object.entries(header.arrays)) {
    const count = one.shape.reduce((a, b) => a * b, 1);
    arrays[name] = new TYPED[one.dtype](buffer, 4 + size + one.offset, count);
  }
  return { header, arrays };
}

const packs = new Map(); // id → promise, the least recently used first
function packOf(kind, number) {
  const id = `${kind}-${number}`;
  let found = packs.get(id);
  packs.delete(id);
  if (!found) found = unpack(byId(id).textContent);
  packs.set(id, found);
  if (packs.size > KEPT_PACKS) packs.delete(packs.keys().next().value);
  return found;
}

// the last place in rising numbers that is not above a value
function placeOf(rising, value) {
  let low = 0;
  let high = rising.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (rising[middle] <= value) low = middle;
    else high = middle;
  }
  return low;
}

async function part(kind, row) {
  const first = head.first[kind];
  const number = placeOf(first, row);
  const pack = await packOf(kind, number);
  return { ...pack, at: row - first[number] };
}

function scaled(steps, scale, from, to) {
  const values = new Float32Array(to - from);
  for (let i = from; i < to; i++) values[i - from] = steps[i] * scale;
  return values;
}

// everything that is drawn of one sequence
async function sequenceOf(rows, row) {
  const L = head.length;
  const length = rows.length[row];
  const main = await part("c", row);
  const { codes, contributions, scale } = main.arrays;
  const begin = main.at * L;
  const found = {
    row, length,
    codes: codes.subarray(begin, begin + length),
    observed: scaled(contributions, scale[main.at], begin, begin + length),
  };
  if (rows.hypothetical_row && rows.hypothetical_row[row] >= 0) {
    const { arrays, at } = await part("h", rows.hypothetical_row[row]);
    found.hypothetical = scaled(arrays.hypothetical, arrays.scale[at], at * L * 4, (at * L + length) * 4);
  }
  if (rows.ism_row && rows.ism_row[row] >= 0) {
    const { arrays, at } = await part("ism", rows.ism_row[row]);
    const wide = arrays.effects.length / arrays.scale.length; // four numbers a base of the companion's longest
    found.ism = scaled(arrays.effects, arrays.scale[at], at * wide, at * wide + length * 4);
  }
  if (rows.sis_row && rows.sis_row[row] >= 0) {
    const { header, arrays, at } = await part("sis", rows.sis_row[row]);
    const wide = arrays.subset.length / arrays.count.length;
    found.sis = {
      subset: arrays.subset.subarray(at * wide, at * wide + length),
      count: arrays.count[at], threshold: arrays.threshold[at], values: header.values[at],
    };
  }
  found.hits = hitsOf(rows, row);
  return found;
}

function hitsOf(rows, row) {
  const hits = [];
  if (!rows.hit_from) return hits;
  for (let i = rows.hit_from[row]; i < rows.hit_from[row + 1]; i++) {
    hits.push({
      start: rows.hit_start[i], end: rows.hit_end[i], minus: rows.hit_minus[i] === 1,
      motif: rows.card[rows.hit_motif[i]], contribution: rows.hit_contribution[i], q: rows.hit_q[i],
    });
  }
  return hits;
}

// the table of all sequences: names, and one array a column
async function readRows() {
  const { header, arrays } = await unpack(byId("rows").textContent);
  const rows = { ...arrays, names: header.names, chromosomes: header.chromosomes ?? [] };
  rows.lower = header.names.map((name) => name.toLowerCase());
  if (header.hit_motifs) {
    const place = new Map(head.motifs.map((motif, k) => [motif.id, k]));
    rows.card = header.hit_motifs.map((id) => place.get(id)); // a hit's motif → place in head.motifs
  }
  return rows;
}
