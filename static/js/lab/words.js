// Numbers as sentences for the upload page.
const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

// The largest unit that so many bytes reach, as a power of 1024.
function reached(bytes) {
  let power = 0;
  while (power < UNITS.length - 1 && bytes >= 1024 ** (power + 1)) power += 1;
  return power;
}

// Bytes in the binary units that the QEMU documentation uses, word for word as the portal's pages write them
// (binary_size in labtools/qcow2/text.py): whole where a unit divides them, else two decimals, rounded down.
export function size(bytes) {
  if (bytes === 1) return "1 byte";
  const largest = reached(bytes);
  for (const power of [largest, largest - 1]) {
    if (power > 0 && bytes % 1024 ** power === 0) return `${bytes / 1024 ** power} ${UNITS[power]}`;
  }
  return moving(bytes);
}

// The same for a number that changes as one looks: it keeps its unit while it grows.
export function moving(bytes) {
  const power = reached(bytes);
  if (power === 0) return `${Math.floor(bytes)} bytes`;
  return `${(Math.floor((bytes / 1024 ** power) * 100) / 100).toFixed(2)} ${UNITS[power]}`;
}

export function timeLeft(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 60) return "less than a minute left";
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${minutes} minute${minutes === 1 ? "" : "s"} left`;
  const hours = Math.floor(minutes / 60);
  return `about ${hours} h ${minutes % 60} min left`;
}

// Bytes per second over the last few seconds, from samples of how much has been sent.
export class Pace {
  constructor(windowSeconds = 6) {
    this.window = windowSeconds * 1000;
    this.samples = [];
  }

  add(sent, now) {
    this.samples.push([now, sent]);
    while (this.samples.length > 2 && now - this.samples[0][0] > this.window) this.samples.shift();
  }

  get perSecond() {
    if (this.samples.length < 2) return 0;
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    const seconds = (last[0] - first[0]) / 1000;
    return seconds > 0 ? (last[1] - first[1]) / seconds : 0;
  }
}
