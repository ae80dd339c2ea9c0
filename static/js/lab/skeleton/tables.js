// Judges the entries of tables: those that no sound table has may be something else, such as the guest's data.

const COPIED = 0x80000000;
const COMPRESSED = 0x40000000;

// Bits of an entry that must be 0, high and low half: of L1 tables, refcount tables and bitmap tables.
export const RESERVED = {
  "L1 table": [0x7f000000, 0x1ff],
  "refcount table": [0x80000000, 0x1ff],
  "bitmap table": [0xff000000, 0x1fe],
};

// Whether one of the offsets in a part of a table is strange: reserved bits, not aligned, or behind the end.
export function isStrange(view, role, clusterSize, length) {
  const [high, low] = RESERVED[role];
  for (let at = 0; at < view.byteLength; at += 8) {
    const [upper, lower] = [view.getUint32(at), view.getUint32(at + 4)];
    if (role === "bitmap table" && upper === 0 && lower === 1) continue; // ones that are not stored
    if (upper & high || lower & low) return true;
    const offset = ((upper & ~high & 0x7fffffff) >>> 0) * 2 ** 32 + ((lower & ~low) >>> 0);
    if (offset % clusterSize || offset >= length) return true;
  }
  return false;
}

// Bits 9 to 55: the host offset of an L1 or L2 entry.
export const hostOffset = (upper, lower) => (upper & 0x00ffffff) * 2 ** 32 + ((lower & 0xfffffe00) >>> 0);

// Where the compressed data of an entry begins and how long it is.
function compressed(upper, lower, clusterBits) {
  const width = 62 - (clusterBits - 8) - 32;
  const start = (upper & (2 ** width - 1)) * 2 ** 32 + lower;
  const sectors = (upper >>> width) & (2 ** (clusterBits - 8) - 1);
  return [start, (sectors + 1) * 512 - (start % 512)];
}

// Goes through one L2 table: counts what it refers to, and returns whether an entry is strange.
export function countMappings(view, header, census, weight) {
  const { clusterSize: size, clusterBits, isExtended, hasDataFile, version, entrySize } = header;
  const limit = hasDataFile ? header.size : census.length;
  let strange = false;
  for (let at = 0; at < view.byteLength; at += entrySize) {
    const [upper, lower] = [view.getUint32(at), view.getUint32(at + 4)];
    const [zeros, data] = isExtended ? [view.getUint32(at + 8), view.getUint32(at + 12)] : [0, 0];
    if ((upper | lower | zeros | data) === 0) continue;
    if (zeros & data) strange = true;
    if (upper & COMPRESSED) {
      const [start, length] = compressed(upper, lower, clusterBits);
      if (upper & COPIED || start + length > census.length + size || zeros || data) strange = true;
      if (hasDataFile || zeros || data || !census.fits(start, length)) continue;
      const last = Math.floor((start + length - 1) / size);
      for (let cluster = Math.floor(start / size); cluster <= last; cluster += 1) census.data(cluster, weight);
      continue;
    }
    const isZero = (lower & 1) !== 0;
    if (upper & 0x3f000000 || lower & 0x1fe || (isZero && (isExtended || version === 2))) strange = true;
    const offset = hostOffset(upper, lower);
    // Offset 0 of a data file is a place like any other; there COPIED says that the cluster is allocated.
    const isAllocated = offset !== 0 || (hasDataFile && (upper & COPIED) !== 0 && (isExtended || !isZero));
    if (!isAllocated) {
      if (data) strange = true;
      continue;
    }
    if (offset % size || offset >= limit) strange = true;
    if (hasDataFile || !census.fits(offset, size)) continue;
    const cluster = Math.floor(offset / size);
    census.data(cluster, weight);
    if (offset % size) census.data(cluster + 1, weight);
  }
  return strange;
}

// The refcounts of a block, the first in the least significant bits of a byte; large ones as 65535.
export function* refcounts(view, bits) {
  for (let at = 0; at < view.byteLength; at += Math.max(bits / 8, 1)) {
    if (bits < 8) {
      const byte = view.getUint8(at);
      for (let shift = 0; shift < 8; shift += bits) yield (byte >> shift) & (2 ** bits - 1);
    } else if (bits === 8) yield view.getUint8(at);
    else if (bits === 16) yield view.getUint16(at);
    else if (bits === 32) yield Math.min(view.getUint32(at), 65535);
    else yield view.getUint32(at) ? 65535 : Math.min(view.getUint32(at + 4), 65535);
  }
}
