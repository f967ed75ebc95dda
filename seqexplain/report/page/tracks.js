// Tracks of one sequence, drawn for the window `frame`: from … to in bases, `per` pixels a base, x(position) in pixels.
const LEFT = 58; // px for the axes' labels
const RIGHT = 10;
const LETTERS_FROM = 6.5; // px a base; below, letters become bars
const BARS_FROM = 1; // px a base; below, an outline of the largest and smallest
const LANE = 19; // px of a row of hits
const LOGO_TRACK = 230;
const INSIDE = { "clip-path": "url(#inside)" }; // what is half out of the window is cut

function frameOf(width, from, to) {
  const inner = Math.max(width - LEFT - RIGHT, 50);
  const per = inner / (to - from);
  return { width, inner, from, to, per, right: LEFT + inner, first: Math.max(Math.floor(from), 0), last: Math.ceil(to), x: (p) => LEFT + (p - from) * per };
}

// hits in rows, so that none covers another; gives each hit its `lane`, and where the next one begins in it
function laneHits(hits) {
  const ends = [];
  const last = [];
  for (const hit of [...hits].sort((a, b) => a.start - b.start || b.end - a.end)) {
    let lane = ends.findIndex((end) => end <= hit.start);
    if (lane < 0) lane = ends.push(0) - 1;
    if (last[lane]) last[lane].next = hit.start;
    ends[lane] = hit.end;
    last[lane] = hit;
    [hit.lane, hit.next] = [lane, Infinity];
  }
  return ends.length;
}

function hitTrack(group, hits, lanes, frame, top, bottom, zoomTo) {
  for (const hit of hits) {
    if (hit.end <= frame.from || hit.start >= frame.to) continue;
    const [x0, x1] = [Math.max(frame.x(hit.start), LEFT), Math.min(frame.x(hit.end), frame.right)];
    const y = top + hit.lane * LANE;
    const [high, low] = [y + 2, y + LANE - 3];
    const middle = (high + low) / 2;
    const tip = Math.min(6, (x1 - x0) / 2);
    const hue = hueOf(hit.motif);
    // the end that the strand points to is pointed
    const d = hit.minus
      ? `M${two(x0)} ${middle}L${two(x0 + tip)} ${high}H${two(x1)}V${low}H${two(x0 + tip)}Z`
      : `M${two(x0)} ${high}H${two(x1 - tip)}L${two(x1)} ${middle}L${two(x1 - tip)} ${low}H${two(x0)}Z`;
    const name = nameOf(hit.motif);
    const mark = svg("g", { class: "hit" },
      svg("title", {}, `${name}, ${hit.start}–${hit.end} ${hit.minus ? "−" : "+"}`),
      svg("rect", { x: two(x0), y: low, width: two(x1 - x0), height: Math.max(bottom - low, 0), fill: hue, "fill-opacity": 0.1 }),
      svg("path", { d, fill: hue, "fill-opacity": 0.32, stroke: hue }));
    // a name may stand out of its box, or behind it, where nothing follows: whole, without its accession, or cut
    const begin = x1 - x0 < 18 ? x1 + 3 : x0 + (hit.minus ? tip + 3 : 4);
    const room = Math.floor((Math.min(frame.x(hit.next), frame.right + RIGHT) - begin - 4) / 6.6);
    const short = name.replace(/ \([^()]*\)$/, "");
    const text = [name, short].find((one) => one.length <= room) ?? (room >= 3 ? `${short.slice(0, room - 1)}…` : "");
    if (text) mark.append(svg("text", { class: "hit-name", x: two(begin), y: low - 2.5 }, text));
    mark.addEventListener("dblclick", () => zoomTo(hit.start, hit.end));
    group.append(mark);
  }
}

function rangeOf(values, from, to) {
  let low = 0;
  let high = 0;
  for (let i = Math.max(from, 0); i < Math.min(to, values.length); i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  if (low === high) high = 1;
  const room = 0.04 * (high - low);
  return [low < 0 ? low - room : 0, high + room];
}

function valueAxis(group, frame, y, low, high, label, top, bottom) {
  const lines = [];
  for (const tick of ticks(low, high, 5)) {
    lines.push(`M${LEFT} ${Math.round(y(tick)) + 0.5}H${two(frame.right)}`);
    group.append(svg("text", { x: LEFT - 7, y: two(y(tick) + 3.5), "text-anchor": "end" }, number(tick)));
  }
  group.prepend(svg("path", { class: "gridline", d: lines.join("") }));
  const middle = two((top + bottom) / 2);
  group.append(svg("text", { x: 11, y: middle, "text-anchor": "middle", transform: `rotate(-90 11 ${middle})` }, label));
}

// smallest and largest value of each column of pixels
function columns(values, frame) {
  const found = [];
  const count = Math.max(Math.floor(frame.inner), 1);
  for (let k = 0; k < count; k++) {
    const from = Math.max(Math.floor(frame.from + (k / count) * (frame.to - frame.from)), 0);
    const to = Math.min(Math.max(Math.floor(frame.from + ((k + 1) / count) * (frame.to - frame.from)), from + 1), values.length);
    let low = 0;
    let high = 0;
    for (let i = from; i < to; i++) {
      if (values[i] < low) low = values[i];
      if (values[i] > high) high = values[i];
    }
    found.push([low, high]);
  }
  return found;
}

function outline(values, frame, y) {
  const both = columns(values, frame);
  const wide = frame.inner / both.length;
  let d = `M${LEFT} ${two(y(0))}`;
  both.forEach(([, high]) => { d += `V${two(y(high))}h${two(wide)}`; });
  for (let k = both.length - 1; k >= 0; k--) d += `V${two(y(both[k][0]))}h${two(-wide)}`;
  return svg("path", { class: "mass", d: `${d}Z` });
}

// where the sequence has N: nothing is known there, and nothing contributes
function unknownBases(group, codes, frame, top, height) {
  const end = Math.min(frame.last, codes.length);
  for (let i = frame.first; i < end; i++) {
    if (codes[i] < 4) continue;
    let to = i + 1;
    while (to < end && codes[to] > 3) to++;
    const [x0, x1] = [Math.max(frame.x(i), LEFT), Math.min(frame.x(to), frame.right)];
    group.append(svg("rect", { class: "unknown", x: two(x0), y: top, width: two(Math.max(x1 - x0, 1)), height }, svg("title", {}, "N: unknown bases")));
    if (x1 - x0 > 12) group.append(svg("text", { x: two((x0 + x1) / 2), y: top + 14, "text-anchor": "middle" }, "N"));
    i = to;
  }
}

// the contributions: letters, bars or an outline, by how near one looks
function contributionTrack(group, data, frame, top, height, fit, unit) {
  const { observed, codes } = data;
  const [low, high] = fit ? rangeOf(observed, frame.first, frame.last) : rangeOf(observed, 0, observed.length);
  const y = (value) => top + ((high - value) / (high - low)) * height;
  const marks = svg("g");
  unknownBases(group, codes, frame, top, height);
  if (frame.per >= BARS_FROM) {
    const parts = noParts();
    for (let i = frame.first; i < Math.min(frame.last, data.length); i++) {
      const value = observed[i];
      if (!value || codes[i] > 3) continue;
      const base = BASES[codes[i]];
      if (frame.per >= LETTERS_FROM) letter(parts, base, frame.x(i + 0.5), frame.per, y(0), y(value));
      else parts[base].push(`M${two(frame.x(i))} ${two(y(0))}V${two(y(value))}h${two(frame.per * 0.96)}V${two(y(0))}Z`);
    }
    marks.append(...basePaths(parts, INSIDE));
  } else marks.append(outline(observed, frame, y));
  valueAxis(marks, frame, y, low, high, `contribution${unit ? ` (${unit})` : ""}`, top, top + height);
  marks.append(svg("path", { class: "axis", d: `M${LEFT} ${Math.round(y(0)) + 0.5}H${two(frame.right)}` }));
  group.append(marks);
  return frame.per >= LETTERS_FROM ? "letters" : frame.per >= BARS_FROM ? "bars" : "outline";
}

// where a position lies on the genome; null without an interval
function genomeOf(rows, row) {
  if (!rows.start || rows.chromosome[row] < 0) return null;
  const [start, end, minus] = [rows.start[row], rows.end[row], rows.minus[row] === 1];
  return { chromosome: rows.chromosomes[rows.chromosome[row]], start, end, minus, at: (p) => (minus ? end - 1 - p : start + p) };
}

// centred on x, but inside the plot
function tickLabel(text, x, y, frame) {
  const half = text.length * 3.2;
  const anchor = x - half < LEFT - 4 ? "start" : x + half > frame.right + RIGHT ? "end" : "middle";
  return svg("text", { x: two(x), y, "text-anchor": anchor }, text);
}

function positionTrack(group, frame, top, genome) {
  const most = Math.max(2, Math.floor(frame.inner / (genome ? 105 : 62)));
  const found = ticks(frame.from, frame.to - 1, most).filter((p) => Number.isInteger(p));
  let lines = `M${LEFT} ${top + 0.5}H${two(frame.right)}`;
  for (const p of found) {
    const x = frame.x(p + 0.5);
    lines += `M${two(x)} ${top}v5`;
    group.append(tickLabel(whole(p), x, top + 17, frame));
    if (genome) group.append(tickLabel(whole(genome.at(p)), x, top + 31, frame));
  }
  group.append(svg("path", { class: "axis", d: lines }));
  group.append(svg("text", { x: LEFT - 9, y: top + 17, "text-anchor": "end" }, "position"));
  if (genome) group.append(svg("text", { x: LEFT - 9, y: top + 31, "text-anchor": "end" }, genome.chromosome.slice(0, 8)));
}
const positionHeight = (genome) => (genome ? 38 : 24);
