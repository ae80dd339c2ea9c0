// Parts of a file, as [offset, length].

// In order, those that touch made one; empty ones are left out.
export function merged(ranges) {
  const made = [];
  for (const [offset, length] of [...ranges].sort((one, other) => one[0] - other[0])) {
    if (!length) continue;
    const last = made.at(-1);
    if (last && offset <= last[0] + last[1]) last[1] = Math.max(last[1], offset + length - last[0]);
    else made.push([offset, length]);
  }
  return made;
}

// `ranges` but for the bytes of `holes`; both in order and apart.
export function without(ranges, holes) {
  const left = [];
  let first = 0;
  for (const [offset, length] of ranges) {
    let at = offset;
    while (first < holes.length && holes[first][0] + holes[first][1] <= at) first += 1;
    for (let next = first; next < holes.length && holes[next][0] < offset + length; next += 1) {
      if (holes[next][0] > at) left.push([at, holes[next][0] - at]);
      at = Math.max(at, holes[next][0] + holes[next][1]);
    }
    if (at < offset + length) left.push([at, offset + length - at]);
  }
  return left;
}

export const total = (ranges) => ranges.reduce((sum, [, length]) => sum + length, 0);

// Widened to whole sectors, as GNU tar reads each from a fresh block; the last ends with the file.
export function wholeSectors(ranges, length) {
  return merged(
    ranges.map(([offset, size]) => {
      const start = Math.floor(offset / 512) * 512;
      return [start, Math.min(Math.ceil((offset + size) / 512) * 512, length) - start];
    }),
  );
}
