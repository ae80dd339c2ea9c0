// Numbers as sentences for the upload page.
const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

// Bytes in the binary units that the QEMU documentation uses, as the portal's pages write them.
export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 100 ? Number(value.toPrecision(3)) : Math.floor(value)} ${UNITS[unit]}`;
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
