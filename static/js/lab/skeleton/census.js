// Who uses each cluster of the file: how often, and whether a cluster of metadata has a second use.
import { Refused } from "./image.js";

const MOST_CLUSTERS = 2 ** 26;
export const ROLES = {
  header: 1,
  "refcount table": 2,
  "refcount block": 3,
  "L1 table": 4,
  "snapshot table": 5,
  "LUKS header": 6,
  "bitmap directory": 7,
  "bitmap table": 8,
  "bitmap data": 9,
  "L2 table": 10,
};

export class Census {
  constructor(length, header) {
    const clusters = Math.ceil(length / header.clusterSize);
    if (clusters > MOST_CLUSTERS) {
      throw new Refused(
        `The file has ${clusters.toLocaleString("en")} clusters, more than a browser should count. ` +
          "Use the command below, where the image is.",
      );
    }
    this.length = length;
    this.size = header.clusterSize;
    this.clusters = clusters;
    this.most = Math.min(2 ** header.refcountBits - 1, 65535);
    this.counts = new Uint16Array(clusters + 2);
    this.roles = new Uint8Array(clusters + 2);
    this.doubtful = new Set();
  }

  // A region ends less than a cluster behind the end of the file, as the last one may.
  fits(offset, bytes) {
    return offset + bytes - this.length < this.size;
  }

  region(offset, bytes, role, weight = 1) {
    if (bytes <= 0 || !this.fits(offset, bytes)) return;
    const last = Math.floor((offset + bytes - 1) / this.size);
    for (let cluster = Math.floor(offset / this.size); cluster <= last; cluster += 1) {
      this.claim(cluster, ROLES[role]);
      this.count(cluster, weight);
    }
  }

  claim(cluster, role) {
    const before = this.roles[cluster];
    if (!before) this.roles[cluster] = role;
    else if (before !== role || role !== ROLES["L2 table"]) this.doubtful.add(cluster);
  }

  count(cluster, weight) {
    this.counts[cluster] = Math.min(this.counts[cluster] + weight, this.most);
  }

  // Data of the guest, of which many may share a cluster.
  data(cluster, weight) {
    if (this.roles[cluster]) this.doubtful.add(cluster);
    this.count(cluster, weight);
  }
}
