// The header of a qcow2 image as far as it says where the tables are (QEMU, docs/interop/qcow2).
import { Refused, u64 } from "./image.js";

const MAGIC = 0x514649fb;
export const HEADER_BYTES = 112;
const MOST_NAME = 1023;
const BITMAPS = 0x23852875;
const DATA_FILE = 0x44415441;
const LUKS = 0x0537be77;
const MOST_EXTENSIONS = 64;

export async function readHeader(image) {
  const first = await image.read(0, HEADER_BYTES);
  const view = new DataView(first.buffer);
  if (first.length < 4 || view.getUint32(0) !== MAGIC) {
    throw new Refused(
      "This is not a qcow2 image, as it does not begin with QFI and 0xfb: there is no metadata to take out of it.",
    );
  }
  const version = first.length >= 8 ? view.getUint32(4) : 0;
  if (version === 1)
    throw new Refused("This is an image of the old format qcow, version 1, which has no refcounts to check.");
  if (first.length < (version === 2 ? 72 : 104))
    throw new Refused("The file ends inside the header: there is no metadata to take out of it.");
  const isOld = version === 2;
  const header = {
    version,
    backingOffset: u64(view, 8),
    backingLength: view.getUint32(16),
    clusterBits: view.getUint32(20),
    exactSize: u64(view, 24),
    size: Math.floor(u64(view, 24) / 512) * 512,
    cryptMethod: view.getUint32(32),
    l1Entries: view.getUint32(36),
    l1Offset: u64(view, 40),
    refcountOffset: u64(view, 48),
    refcountClusters: view.getUint32(56),
    snapshots: view.getUint32(60),
    snapshotsOffset: u64(view, 64),
    incompatible: isOld ? 0 : view.getUint32(76),
    autoclear: isOld ? 0 : view.getUint32(92),
    refcountOrder: isOld ? 4 : view.getUint32(96),
    headerLength: isOld ? 72 : view.getUint32(100),
    hasUnknownFeatures: !isOld && (view.getUint32(72) !== 0 || (view.getUint32(76) & ~0x1f) !== 0),
  };
  const isSized = header.clusterBits >= 9 && header.clusterBits <= 21;
  header.clusterSize = isSized ? 2 ** header.clusterBits : 0;
  header.isDirty = (header.incompatible & 1) !== 0;
  header.hasDataFile = (header.incompatible & 4) !== 0;
  header.isExtended = (header.incompatible & 16) !== 0;
  header.entrySize = header.isExtended ? 16 : 8;
  header.refcountBits = 2 ** Math.min(header.refcountOrder, 6);
  await readExtensions(image, header);
  return header;
}

// Where the extensions end, and what they say of bitmaps, of a LUKS header and of names.
async function readExtensions(image, header) {
  Object.assign(header, { end: header.headerLength, bitmaps: null, luks: null, luksExtension: null, dataFile: "" });
  const { clusterSize: cluster, headerLength } = header;
  if (headerLength < (header.version === 2 ? 72 : 104) || headerLength > cluster) return;
  const limit = Math.min(header.backingOffset || cluster, cluster);
  const view = await image.view(0, Math.min(limit, image.length));
  let at = headerLength;
  for (let number = 0; at + 8 <= view.byteLength; number += 1) {
    const [type, length] = [view.getUint32(at), view.getUint32(at + 4)];
    const fits = length <= limit - at - 8;
    if (type !== 0 && fits && number < MOST_EXTENSIONS) takeExtension(header, image, view, at, type, length);
    header.end = Math.min(at + 8 + (type === 0 ? 0 : Math.ceil(length / 8) * 8), limit);
    if (type === 0 || !fits) return;
    at = at + 8 + Math.ceil(length / 8) * 8;
  }
}

function takeExtension(header, image, view, at, type, length) {
  if (at + 8 + length > view.byteLength) return;
  if (type === BITMAPS && length === 24 && !header.bitmaps) {
    header.bitmaps = { count: view.getUint32(at + 8), size: u64(view, at + 16), offset: u64(view, at + 24) };
  }
  if (type === DATA_FILE) header.dataFile = text(new Uint8Array(view.buffer, at + 8, Math.min(length, MOST_NAME)));
  if (type === LUKS && length === 16) {
    const offset = u64(view, at + 8);
    header.luksExtension = at;
    header.luks = { offset, length: Math.max(0, Math.min(u64(view, at + 16), image.length - offset)) };
  }
}

// Whether QEMU opens the image far enough for its tables to be followed; what it refuses is told by the header alone.
// "bitmaps": it reads these before it finds fault with the place of the snapshot table.
export function follows(header) {
  const { clusterSize: cluster } = header;
  if (![2, 3].includes(header.version) || !cluster || header.hasUnknownFeatures) return "nothing";
  if (header.version === 3 && (header.headerLength < 104 || header.headerLength > cluster)) return "nothing";
  if (header.refcountOrder > 6 || (header.isExtended && header.clusterBits < 14)) return "nothing";
  if (header.l1Entries * 8 > 2 ** 25 || header.refcountClusters * cluster > 2 ** 23) return "nothing";
  if (header.l1Offset % cluster || header.refcountOffset % cluster || header.cryptMethod > 2) return "nothing";
  if (header.l1Entries < Math.ceil(header.exactSize / (cluster * (cluster / header.entrySize)))) return "nothing";
  if (Math.max(header.l1Offset, header.refcountOffset, header.snapshotsOffset) >= 2 ** 63) return "nothing";
  const { backingOffset: backing, backingLength } = header;
  if (backing > cluster || (backing && (backingLength > MOST_NAME || backing + backingLength > cluster)))
    return "nothing";
  if (header.snapshots > 65536 || header.snapshotsOffset % cluster) return "bitmaps";
  return "all";
}

// Text as its writer meant it; null where it is none.
export function text(bytes) {
  try {
    const words = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(words) ? null : words;
  } catch {
    return null;
  }
}
