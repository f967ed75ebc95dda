// Tracks that are drawn on demand: four numbers a base as letters or as a heat map, and sufficient subsets.
const HEAT_ROW = 15; // px
const HEAT_STEPS = 12; // shades from 0 to the largest
const SUBSET_LANE = 17;
const SUBSETS_SHOWN = 12;

// a line above a track: the first of these texts, longest first, for which there is room
function caption(frame, y, ...texts) {
  const room = Math.floor(frame.inner / 5.6);
  const last = texts.at(-1);
  return svg("text", { x: LEFT, y }, texts.find((text) => text.length <= room) ?? `${last.slice(0, room - 1)}…`);
}

// four numbers a base as colours: blue raises, orange lowers
function heatTrack(group, data, values, frame, top, label, brief) {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  const [middle, up, down] = ["--middle", "--plus", "--minus"].map((name) => sixDigits(styleOf(name)));
  group.append(svg("rect", { x: LEFT, y: top, width: two(frame.inner), height: 4 * HEAT_ROW, fill: middle }));
  const shades = new Map();
  const put = (x, wide, base, value) => {
    const step = most ? Math.round((value / most) * HEAT_STEPS) : 0;
    if (!step) return;
    if (!shades.has(step)) shades.set(step, []);
    shades.get(step).push(`M${two(x)} ${top + base * HEAT_ROW}h${two(wide)}v${HEAT_ROW - 1}h${two(-wide)}Z`);
  };
  if (frame.per >= BARS_FROM) {
    for (let i = frame.first; i < Math.min(frame.last, data.length); i++) {
      for (let b = 0; b < 4; b++) put(frame.x(i), frame.per + 0.3, b, values[4 * i + b]);
    }
  } else {
    const wide = 1;
    for (let k = 0; k < Math.floor(frame.inner); k++) {
      const from = Math.floor(frame.from + k / frame.per);
      const to = Math.min(Math.max(Math.floor(frame.from + (k + 1) / frame.per), from + 1), data.length);
      for (let b = 0; b < 4; b++) {
        let best = 0;
        for (let i = from; i < to; i++) if (Math.abs(values[4 * i + b]) > Math.abs(best)) best = values[4 * i + b];
        put(LEFT + k, wide, b, best);
      }
    }
  }
  for (const [step, parts] of shades) {
    group.append(svg("path", { d: parts.join(""), fill: mixed(middle, step > 0 ? up : down, Math.abs(step) / HEAT_STEPS), ...INSIDE }));
  }
  if (frame.per >= 4) {
    let marks = "";
    for (let i = frame.first; i < Math.min(frame.last, data.length); i++) {
      if (data.codes[i] > 3) continue;
      const [x, y, r] = [frame.x(i + 0.5), top + (data.codes[i] + 0.5) * HEAT_ROW - 0.5, Math.min(frame.per / 5, 2.2)];
      marks += `M${two(x - r)} ${two(y)}a${two(r)} ${two(r)} 0 1 0 ${two(2 * r)} 0a${two(r)} ${two(r)} 0 1 0 ${two(-2 * r)} 0Z`;
    }
    group.append(svg("path", { class: "observed", d: marks, ...INSIDE }));
  }
  for (let b = 0; b < 4; b++) group.append(svg("text", { class: `row-base base-${BASES[b]}`, x: LEFT - 7, y: top + b * HEAT_ROW + 11 }, BASES[b]));
  const dots = frame.per >= 4 ? "; dots: the sequence's own bases" : "";
  const ends = `−${number(most)} (orange) to +${number(most)} (blue)`;
  group.append(caption(frame, top - 5, `${label}, ${ends}${dots}`, `${label}, ${ends}`, `${brief}: ${ends}`, `${brief}: ± ${number(most)}`));
}
const heatHeight = 4 * HEAT_ROW + 26;

function hypotheticalTrack(group, data, frame, top, height, unit) {
  const label = `hypothetical contributions${unit ? ` (${unit})` : ""}`;
  if (frame.per < LETTERS_FROM) {
    heatTrack(group, data, data.hypothetical, frame, top + 18, label, "hypothetical");
    return;
  }
  let [low, high] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    let [up, down] = [0, 0];
    for (let b = 0; b < 4; b++) {
      const value = data.hypothetical[4 * i + b];
      if (value > 0) up += value;
      else down += value;
    }
    high = Math.max(high, up);
    low = Math.min(low, down);
  }
  if (low === high) high = 1;
  const [first, tall] = [top + 20, height - 26];
  const y = (value) => first + ((high - value) / (high - low)) * tall;
  const parts = noParts();
  for (let i = frame.first; i < Math.min(frame.last, data.length); i++) {
    stackLetters(parts, data.hypothetical.subarray(4 * i, 4 * i + 4), frame.x(i + 0.5), frame.per, y);
  }
  const marks = svg("g", {}, ...basePaths(parts, INSIDE));
  valueAxis(marks, frame, y, low, high, "", first, first + tall);
  marks.append(svg("path", { class: "axis", d: `M${LEFT} ${Math.round(y(0)) + 0.5}H${two(frame.right)}` }));
  marks.append(caption(frame, top + 11, `${label}: what each base would contribute`, label));
  group.append(marks);
}
const hypotheticalHeight = (frame) => (frame.per < LETTERS_FROM ? heatHeight : 180);

// sufficient subsets: one a row, its bases as letters, or as marks from afar
function subsetTrack(group, data, frame, top) {
  const { subset, count, values, threshold } = data.sis;
  const shown = Math.min(count, SUBSETS_SHOWN);
  const words = count
    ? `${count} sufficient subset${count === 1 ? "" : "s"}: ${count === 1 ? "it" : "each"} alone makes the model say at least ${number(threshold)} (on the left: what it says)`
    : `no sufficient subset: the sequence does not reach ${number(threshold)}`;
  const brief = count ? `subsets that alone reach ${number(threshold)} (left: value)` : `no subset: it does not reach ${number(threshold)}`;
  group.append(caption(frame, top + 11, words + (count > shown ? `; the first ${shown} are drawn` : ""), words, brief));
  for (let k = 1; k <= shown; k++) {
    const y = top + 18 + (k - 1) * SUBSET_LANE;
    const parts = noParts();
    let marks = "";
    for (let i = frame.first; i < Math.min(frame.last, data.length); i++) {
      if (subset[i] !== k) continue;
      if (frame.per >= LETTERS_FROM && data.codes[i] < 4) letter(parts, BASES[data.codes[i]], frame.x(i + 0.5), frame.per, y + SUBSET_LANE - 4, y + 1);
      else marks += `M${two(frame.x(i))} ${y + 1}h${two(Math.max(frame.per, 1.5))}v${SUBSET_LANE - 5}h${two(-Math.max(frame.per, 1.5))}Z`;
    }
    const line = svg("path", { class: "gridline", d: `M${LEFT} ${y + SUBSET_LANE - 2.5}H${two(frame.right)}` });
    group.append(line, ...basePaths(parts, INSIDE), svg("path", { class: "mass", d: marks, ...INSIDE }));
    group.append(svg("text", { x: LEFT - 7, y: y + 12, "text-anchor": "end" }, number(values[k - 1])));
  }
}
const subsetHeight = (data) => 26 + Math.min(data.sis.count, SUBSETS_SHOWN) * SUBSET_LANE;

// the layers there are: what each is called, whether this sequence has it, its height, and how it is drawn
const LAYERS = {
  hypothetical: {
    label: "hypothetical", title: "What each of the four bases would contribute", missing: "hypothetical contributions of this sequence are not in the page", has: () => head.first.h.length > 1, on: false, of: (data) => data.hypothetical,
    height: (data, frame) => hypotheticalHeight(frame), draw: (group, data, frame, top) => hypotheticalTrack(group, data, frame, top, hypotheticalHeight(frame), head.unit),
  },
  sis: {
    label: "sufficient subsets", title: "Few bases that alone make the model reach the threshold", missing: "subsets of this sequence are not in the page", has: () => "sis" in head.first, on: true, of: (data) => data.sis,
    height: (data) => subsetHeight(data), draw: subsetTrack,
  },
  ism: {
    label: "substitutions", title: "How the prediction changes when a base is replaced", missing: "effects of substitutions of this sequence are not in the page", has: () => "ism" in head.first, on: true, of: (data) => data.ism,
    height: () => heatHeight, draw: (group, data, frame, top) => heatTrack(group, data, data.ism, frame, top + 18, "effect of each substitution", "substitutions"),
  },
};
