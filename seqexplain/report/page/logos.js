// Letters as outlines: one path a base, all copies of a letter in it.

// append a letter to a path: x is its centre and `wide` a position's width; it stands on `foot` and reaches `top`
function letter(parts, base, x, wide, foot, top) {
  for (const step of head.glyphs[base]) {
    let text = step[0];
    for (let i = 1; i < step.length; i += 2) {
      text += `${i > 1 ? " " : ""}${two(x + step[i] * wide)} ${two(foot + (top - foot) * step[i + 1])}`;
    }
    parts[base].push(text);
  }
}

const noParts = () => ({ A: [], C: [], G: [], T: [] });

// one path a base; `more` is given to each as attributes
function basePaths(parts, more = {}) {
  return [...BASES].filter((b) => parts[b].length).map((b) => svg("path", { class: `base-${b}`, d: parts[b].join(""), ...more }));
}

// letters of one position: the larger the farther from the line, those below it upside down, as in `plot`
function stackLetters(parts, values, x, wide, y) {
  const order = [0, 1, 2, 3].filter((b) => values[b]).sort((a, b) => Math.abs(values[a]) - Math.abs(values[b]));
  let up = 0;
  let down = 0;
  for (const b of order) {
    const from = values[b] > 0 ? up : down;
    const to = from + values[b];
    letter(parts, BASES[b], x, wide, y(from), y(to));
    if (values[b] > 0) up = to;
    else down = to;
  }
}

const LETTER = 13; // px a position, in logos of motifs
const LOGO_HEIGHT = 62;
const BEST_HEIGHT = 40; // of the known motif below

function turned(matrix) {
  return matrix.map((row) => [...row].reverse()).reverse();
}

// base frequencies as heights in bits
function information(matrix) {
  return matrix.map((row) => {
    if (!row.some(Boolean)) return row; // nothing lies there
    const bits = 2 + row.reduce((sum, p) => sum + (p > 0 ? p * Math.log2(p) : 0), 0);
    return row.map((p) => p * bits);
  });
}

function drawLogo(target, matrix, range, label, height = LOGO_HEIGHT) {
  const width = matrix.length * LETTER;
  let [low, high] = range ?? [0, 0];
  if (!range) {
    for (const row of matrix) {
      low = Math.min(low, row.reduce((sum, v) => sum + Math.min(v, 0), 0));
      high = Math.max(high, row.reduce((sum, v) => sum + Math.max(v, 0), 0));
    }
    if (low === high) high = 1;
  }
  const y = (value) => 2 + ((high - value) / (high - low)) * (height - 4);
  const parts = noParts();
  matrix.forEach((row, i) => stackLetters(parts, row, (i + 0.5) * LETTER, LETTER, y));
  const line = svg("path", { class: "axis", d: `M0 ${two(y(0))}H${width}` });
  target.setAttribute("aria-label", label);
  target.replaceChildren(line, ...basePaths(parts));
}

function emptyLogo(matrix, label, height = LOGO_HEIGHT) {
  const width = matrix.length * LETTER;
  return svg("svg", { class: "logo", "aria-label": label, width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
}
