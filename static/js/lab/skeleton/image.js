// Bytes of an image that stays where it is: a File, of which slices are read.

// Why something cannot be done, as a sentence for the person who chose the file.
export class Refused extends Error {}

export const CHANGED =
  "The image was written to, or went away, while its metadata was read. Stop the guest, then choose the file again.";

export class Image {
  constructor(file) {
    this.file = file;
    this.length = file.size;
  }

  // The bytes from `offset` on, fewer at the end of the file.
  async read(offset, length) {
    const stop = Math.min(offset + length, this.length);
    if (!(offset >= 0 && offset < stop)) return new Uint8Array(0);
    try {
      return new Uint8Array(await this.file.slice(offset, stop).arrayBuffer());
    } catch {
      throw new Refused(CHANGED); // a browser reads nothing more of a file that has changed
    }
  }

  // A view of exactly `length` bytes; behind the end of the file there are zeros, as for QEMU.
  async view(offset, length) {
    const bytes = await this.read(offset, length);
    if (bytes.length === length) return new DataView(bytes.buffer);
    const filled = new Uint8Array(length);
    filled.set(bytes);
    return new DataView(filled.buffer);
  }
}

// A 64-bit number; beyond 2^53 it is not exact, and beyond every file.
export const u64 = (view, at) => view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
