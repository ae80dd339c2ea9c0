// Which bytes of an image a check needs, and which of those may be the guest's data after all. The rules are those of
// labtools/qcow2/skeleton/plan.py; where the two could differ, this one doubts more.
import { Census } from "./census.js";
import { follows, HEADER_BYTES, readHeader, text } from "./header.js";
import { Refused, u64 } from "./image.js";
import { merged, total, without } from "./ranges.js";
import { countMappings, hostOffset, isStrange, RESERVED, refcounts } from "./tables.js";

export const MOST_BYTES = 2 ** 30;
const MOST_TABLE_BYTES = 2 ** 26;
const MOST_SECONDS = 300;
const BATCH = 4 << 20;
const MOST_NAME = 1023;
const STRAYING = 8;
const NEAR_MAX = 2 ** 63 - 2 ** 30;

// What is found: `sure` ranges, `suspects` to be asked about, and `names` that may be private.
// `said(step, done, all)` hears how far it is.
export async function planSkeleton(image, said) {
  const header = await readHeader(image);
  const plan = new Plan(image, header);
  plan.header();
  const what = follows(header);
  if (what !== "nothing") {
    const survey = new Survey(image, header, plan, said);
    await (what === "all" ? survey.take() : survey.bitmaps(await survey.directory()));
  }
  return plan.made();
}

class Plan {
  constructor(image, header) {
    Object.assign(this, { image, head: header, sure: [], suspects: [], names: [], bytes: 0, kinds: new Map() });
  }

  // Take a region as far as it lies in the file, under suspicion if there is a reason.
  add(offset, length, role, reason = "") {
    const inFile = Math.min(length, this.image.length - offset);
    if (offset < 0 || !(inFile > 0)) return;
    this.bytes += inFile;
    if (this.bytes > MOST_BYTES) {
      throw new Refused("The metadata that this image names is more than 1 GiB, the most that is gathered.");
    }
    this.kinds.set(role, (this.kinds.get(role) ?? 0) + inFile);
    if (reason) this.suspects.push({ offset, length: inFile, role, reason });
    else this.sure.push([offset, inFile]);
  }

  name(what, words) {
    this.names.push({ what, words });
  }

  header() {
    const { head } = this;
    const cluster = head.clusterSize || HEADER_BYTES;
    this.add(0, Math.min(Math.max(HEADER_BYTES, head.end), cluster), "header");
    if (head.backingOffset > 0 && head.backingOffset < cluster) {
      const length = Math.min(head.backingLength, MOST_NAME, cluster - head.backingOffset);
      this.add(head.backingOffset, length, "header");
      this.backing = [head.backingOffset, length];
    }
    if (head.dataFile !== "") this.name("data file", head.dataFile);
  }

  async made() {
    if (this.backing) this.name("backing file", text(await this.image.read(...this.backing)));
    const { luks, luksExtension } = this.head;
    const never = luks?.length ? [[luks.offset, luks.length]] : [];
    const doubtful = merged(this.suspects.map((one) => [one.offset, one.length]));
    const suspects = this.suspects
      .sort((one, other) => one.offset - other.offset)
      .flatMap(({ offset, length, role, reason }) =>
        without([[offset, length]], never).map((place) => ({ offset: place[0], length: place[1], role, reason })),
      );
    return {
      length: this.image.length,
      sure: without(without(merged(this.sure), doubtful), never),
      suspects,
      suspectBytes: total(merged(suspects.map((one) => [one.offset, one.length]))),
      luksBytes: luks?.length ?? 0,
      luksExtension,
      names: this.names,
      kinds: [...this.kinds],
    };
  }
}

// Goes through the tables as the check does, and judges of each whether it looks like one.
class Survey {
  constructor(image, header, plan, said) {
    Object.assign(this, { image, head: header, plan, said });
    this.census = new Census(image.length, header);
    this.until = performance.now() + MOST_SECONDS * 1000;
  }

  tick() {
    if (performance.now() > this.until) {
      throw new Refused("The image leads to more tables than a browser should follow. Use the command below.");
    }
  }

  async take() {
    const { head, census } = this;
    const directory = await this.directory();
    const snapshots = await this.readSnapshots();
    if (snapshots === null) {
      await this.snapshotTable();
      await this.table(head.l1Offset, head.l1Entries, "L1 table");
      await this.bitmaps(directory);
      return;
    }
    census.region(0, head.clusterSize, "header");
    if (head.luks) census.region(head.luks.offset, head.luks.length, "LUKS header");
    const layers = await this.layers(snapshots.entries);
    const tables = this.l2Tables(layers);
    for (const layer of layers) census.region(layer.offset, layer.view.byteLength, "L1 table", layer.times);
    for (const [offset, weight] of tables) census.region(offset, head.clusterSize, "L2 table", weight);
    census.region(head.snapshotsOffset, snapshots.bytes, "snapshot table");
    const refcountBytes = head.refcountClusters * head.clusterSize;
    census.region(head.refcountOffset, refcountBytes, "refcount table");
    await this.countBitmaps(directory);
    const blocks = await this.blocks(refcountBytes);
    const strange = await this.mappings(tables);
    for (const layer of layers) await this.table(layer.offset, layer.view.byteLength / 8, "L1 table");
    tables.forEach(([offset], number) => {
      const reason = this.reason(offset) || (strange[number] ? "it does not look like an L2 table" : "");
      this.plan.add(offset, head.clusterSize, "L2 table", reason);
    });
    await this.table(head.refcountOffset, refcountBytes / 8, "refcount table");
    await this.refcountBlocks(blocks);
    await this.snapshotTable();
    await this.bitmaps(directory);
  }

  // What speaks against a cluster of metadata from outside it.
  reason(offset) {
    if (offset % this.head.clusterSize) return "it does not begin at a cluster boundary";
    const isShared = this.census.doubtful.has(offset / this.head.clusterSize);
    return isShared ? "the image uses it for something else as well" : "";
  }

  // A table of 64-bit offsets, judged cluster by cluster.
  async table(offset, entries, role) {
    const { clusterSize } = this.head;
    for (let at = 0; at < entries * 8; at += clusterSize) {
      this.tick();
      const place = offset + at;
      if (place >= this.image.length) return;
      const bytes = Math.min(clusterSize, entries * 8 - at);
      const view = await this.image.view(place, bytes);
      const looksWrong = isStrange(view, role, clusterSize, this.image.length);
      const article = role === "L1 table" ? "an" : "a";
      const reason = this.reason(place) || (looksWrong ? `it does not look like a part of ${article} ${role}` : "");
      this.plan.add(place, bytes, role, reason);
    }
  }

  // The entries of the snapshot table; null where QEMU gives up on it.
  async readSnapshots() {
    const entries = [];
    const start = this.head.snapshotsOffset;
    let at = start;
    for (let number = 0; number < this.head.snapshots; number += 1) {
      if (number % 256 === 0) this.tick();
      at = Math.ceil(at / 8) * 8;
      const view = await this.image.view(at, 40);
      const [idBytes, nameBytes, extra] = [view.getUint16(12), view.getUint16(14), view.getUint32(36)];
      entries.push({ l1Offset: u64(view, 0), l1Entries: view.getUint32(8) });
      at += 40 + extra + idBytes + nameBytes;
      if (extra > 1024 || at - start > MOST_TABLE_BYTES) return null;
    }
    return { entries, bytes: at - start };
  }

  // The active L1 table and those of the snapshots, each place in the file read once.
  async layers(snapshots) {
    const { head } = this;
    const places = new Map([["active", { offset: head.l1Offset, entries: head.l1Entries, times: 1 }]]);
    for (const { l1Offset: offset, l1Entries: entries } of snapshots) {
      const isRead = offset % head.clusterSize === 0 && entries && entries * 8 <= 2 ** 25;
      if (!isRead || offset + entries * 8 > NEAR_MAX) continue;
      const key = `${offset}+${entries}`;
      const place = places.get(key) ?? { offset, entries, times: 0 };
      place.times += 1;
      places.set(key, place);
    }
    const layers = [];
    let left = MOST_TABLE_BYTES;
    for (const { offset, entries, times } of places.values()) {
      left -= entries * 8;
      if (left < 0) throw new Refused("The L1 tables of the snapshots are larger than what is read here.");
      this.tick();
      layers.push({ offset, times, view: await this.image.view(offset, entries * 8) });
    }
    return layers;
  }

  // The different L2 tables by place, with how often L1 entries lead to each.
  l2Tables(layers) {
    const weights = new Map();
    for (const { view, times } of layers) {
      for (let at = 0; at < view.byteLength; at += 8) {
        const [upper, lower] = [view.getUint32(at), view.getUint32(at + 4)];
        if (!upper && !lower) continue;
        const offset = hostOffset(upper, lower);
        weights.set(offset, (weights.get(offset) ?? 0) + times);
      }
    }
    return [...weights].sort((one, other) => one[0] - other[0]);
  }

  // Counts what every L2 table refers to; 1 for each table with a strange entry. Neighbours are read together.
  async mappings(tables) {
    const { clusterSize: size } = this.head;
    const strange = new Uint8Array(tables.length);
    for (let first = 0; first < tables.length; ) {
      this.tick();
      let stop = first + 1;
      while (stop < tables.length && tables[stop][0] === tables[stop - 1][0] + size && (stop - first) * size < BATCH) {
        stop += 1;
      }
      const { buffer } = await this.image.view(tables[first][0], (stop - first) * size);
      for (let number = first; number < stop; number += 1) {
        const view = new DataView(buffer, (number - first) * size, size);
        strange[number] = countMappings(view, this.head, this.census, tables[number][1]) ? 1 : 0;
      }
      first = stop;
      this.said("tables", first, tables.length);
    }
    return strange;
  }

  // The offsets of the refcount blocks by number, 0 for none. Sound ones are counted.
  async blocks(bytes) {
    const { clusterSize } = this.head;
    const view = await this.image.view(this.head.refcountOffset, bytes);
    const blocks = new Float64Array(bytes / 8);
    for (let number = 0; number < blocks.length; number += 1) {
      const [upper, lower] = [view.getUint32(number * 8), view.getUint32(number * 8 + 4)];
      blocks[number] = upper * 2 ** 32 + ((lower & 0xfffffe00) >>> 0);
      const isSound = !(lower & RESERVED["refcount table"][1]) && blocks[number] % clusterSize === 0;
      if (blocks[number] && isSound) this.census.region(blocks[number], clusterSize, "refcount block");
    }
    return blocks;
  }

  async refcountBlocks(blocks) {
    const { clusterSize, refcountBits } = this.head;
    const perBlock = (clusterSize * 8) / refcountBits;
    for (let number = 0; number < blocks.length; number += 1) {
      const offset = blocks[number];
      if (!offset || offset % clusterSize || offset >= this.image.length) continue;
      this.tick();
      const strays = this.reason(offset) || (await this.strays(number * perBlock, offset));
      this.plan.add(offset, clusterSize, "refcount block", strays);
      if (number % 16 === 0) this.said("refcounts", number, blocks.length);
    }
  }

  // Whether a refcount block says something quite different from the references.
  async strays(first, offset) {
    const { census, head } = this;
    const view = await this.image.view(offset, head.clusterSize);
    const [most, clusters] = [head.snapshots + 1, census.clusters + 1];
    let [cluster, wrong, told] = [first, 0, 0];
    for (const said of refcounts(view, head.refcountBits)) {
      const used = cluster < clusters ? census.counts[cluster] : 0;
      cluster += 1;
      if (!said && !used) continue;
      // What lies behind the end of the file is 0 in a sound block.
      if (said && cluster > clusters) return "it does not agree with the clusters in use";
      if (said > Math.max(used, most)) return "it does not agree with the clusters in use";
      told += 1;
      if (said !== used) wrong += 1;
    }
    // So narrow, any bytes make plausible numbers: they must be right, most of them.
    const isNarrow = head.refcountBits < 8 && !head.isDirty;
    return isNarrow && wrong > Math.max(1, Math.floor(told / STRAYING))
      ? "it does not agree with the clusters in use"
      : "";
  }

  // The whole snapshot table, or as far as QEMU follows it.
  async snapshotTable() {
    const { clusterSize, snapshots, snapshotsOffset: start } = this.head;
    let [at, reason] = [start, ""];
    for (let number = 0; number < Math.min(snapshots, 65536); number += 1) {
      if (number % 256 === 0) this.tick();
      at = Math.ceil(at / 8) * 8;
      const view = await this.image.view(at, 40);
      const [idBytes, nameBytes, extra] = [view.getUint16(12), view.getUint16(14), view.getUint32(36)];
      at += 40;
      if (extra > 1024 || at - start > MOST_TABLE_BYTES) {
        reason = "an entry breaks the bounds of a snapshot table";
        break;
      }
      const bytes = await this.image.read(at + extra, idBytes + nameBytes);
      const words = text(bytes);
      this.plan.name("snapshot", words === null ? null : (text(bytes.slice(idBytes)) ?? words));
      if (Math.max(idBytes, nameBytes) > MOST_NAME || words === null) reason = "a name in it is no text";
      const [l1Offset, l1Bytes] = [u64(view, 0), view.getUint32(8) * 8];
      if (l1Offset % clusterSize || l1Offset + l1Bytes >= this.image.length + clusterSize) {
        reason = "an entry leads nowhere";
      }
      at += extra + idBytes + nameBytes;
    }
    for (let place = start; place < at; place += clusterSize) {
      this.plan.add(place, Math.min(clusterSize, at - place), "snapshot table", reason || this.reason(place));
    }
  }

  // The bitmap directory if the image has bitmaps that are up to date, else null.
  async directory() {
    const { bitmaps, autoclear } = this.head;
    if (!(autoclear & 1) || !bitmaps) return null;
    const size = Math.min(bitmaps.size, MOST_TABLE_BYTES);
    const view = await this.image.view(bitmaps.offset, size);
    const found = readDirectory(view, bitmaps.count, this.head);
    return { offset: bitmaps.offset, size, entries: found ?? [], isBroken: found === null };
  }

  async countBitmaps(directory) {
    if (!directory) return;
    const { census, head } = this;
    census.region(directory.offset, directory.size, "bitmap directory");
    for (const { offset, entries } of directory.entries) {
      this.tick();
      census.region(offset, entries * 8, "bitmap table");
      const view = await this.image.view(offset, Math.min(entries * 8, MOST_TABLE_BYTES));
      for (let at = 0; at < view.byteLength; at += 8) {
        const place = hostOffset(view.getUint32(at), view.getUint32(at + 4));
        if (place && place % head.clusterSize === 0) census.region(place, head.clusterSize, "bitmap data");
      }
    }
  }

  async bitmaps(directory) {
    if (!directory) return;
    const { clusterSize } = this.head;
    let reason = directory.isBroken ? "it does not look like a bitmap directory" : "";
    for (const { offset, entries, name } of directory.entries) {
      const words = text(name);
      this.plan.name("bitmap", words);
      if (!reason && words === null) reason = "a name in it is no text";
      await this.table(offset, entries, "bitmap table");
    }
    const end = directory.offset + directory.size;
    for (let place = directory.offset; place < end; place += clusterSize) {
      this.plan.add(place, Math.min(clusterSize, end - place), "bitmap directory", reason || this.reason(place));
    }
  }
}

// The entries of a bitmap directory; null where QEMU cannot read it.
function readDirectory(view, count, { clusterSize, size: virtualSize }) {
  const found = [];
  for (let at = 0; at < view.byteLength; ) {
    if (at + 24 > view.byteLength || found.length === count) return null;
    const [offset, entries, flags] = [u64(view, at), view.getUint32(at + 8), view.getUint32(at + 12)];
    const [kind, granularity, nameBytes] = [view.getUint8(at + 16), view.getUint8(at + 17), view.getUint16(at + 18)];
    const extra = view.getUint32(at + 20);
    const end = at + Math.ceil((24 + extra + nameBytes) / 8) * 8;
    const held = entries * clusterSize;
    const isSound =
      end <= view.byteLength &&
      !extra &&
      entries >= 1 &&
      entries <= 0x8000000 &&
      offset % clusterSize === 0 &&
      held <= 2 ** 29 &&
      flags <= 3 &&
      kind === 1 &&
      granularity >= 9 &&
      granularity <= 31 &&
      nameBytes >= 1 &&
      nameBytes <= MOST_NAME &&
      (flags & 1 || virtualSize <= held * 8 * 2 ** granularity);
    if (!isSound) return null;
    found.push({ offset, entries, name: new Uint8Array(view.buffer, at + 24, nameBytes) });
    at = end;
  }
  return found.length === count ? found : null;
}
