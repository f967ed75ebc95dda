// How the page looks: light or dark, and the colours of bases. Kept by the browser where it may.
function kept(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`seqexplain-${name}`);
    localStorage.setItem(`seqexplain-${name}`, value);
  } catch {
    // a page opened from a disk may have no storage: then the choice lasts as long as the page
  }
  return null;
}

const lookListeners = [];
function startLooks() {
  for (const name of ["theme", "colors"]) {
    const choice = byId(name);
    const apply = () => {
      document.documentElement.dataset[name] = choice.value;
      for (const listener of lookListeners) listener();
    };
    const before = kept(name);
    if (before && [...choice.options].some((option) => option.value === before)) choice.value = before;
    apply();
    choice.addEventListener("change", () => {
      kept(name, choice.value);
      apply();
    });
  }
  // paper is white
  let before = null;
  addEventListener("beforeprint", () => {
    before ??= document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    for (const listener of lookListeners) listener();
  });
  addEventListener("afterprint", () => {
    document.documentElement.dataset.theme = before ?? "auto";
    before = null;
    for (const listener of lookListeners) listener();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => lookListeners.forEach((f) => f()));
}

const styleOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function mixed(one, other, share) {
  const parts = [1, 3, 5].map((i) => {
    const [a, b] = [one, other].map((hex) => parseInt(hex.slice(i, i + 2), 16));
    return Math.round(a + (b - a) * share).toString(16).padStart(2, "0");
  });
  return `#${parts.join("")}`;
}

// #abc and #aabbcc alike as #aabbcc
const sixDigits = (hex) => (hex.length === 4 ? `#${[...hex.slice(1)].map((c) => c + c).join("")}` : hex);
