// A sparse file in a tar archive, gzip'd: what `tar xzf` gives back as a file of the full length with holes
// (PAX sparse format 1.0, GNU tar manual, "Sparse Formats"; POSIX.1-2001, pax). labtools/qcow2/skeleton/container.py
// reads it.
import { total, wholeSectors } from "./ranges.js";

const FORMAT = 1;
const NAME = "metadata.qcow2";
const PIECE = 4 << 20;
const encoder = new TextEncoder();

function padded(bytes) {
  const whole = new Uint8Array(Math.ceil(bytes.length / 512) * 512);
  whole.set(bytes);
  return whole;
}

// A header block of the ustar format.
function block(name, type, size) {
  const made = new Uint8Array(512);
  const put = (at, words) => made.set(encoder.encode(words), at);
  const octal = (at, width, number) => put(at, number.toString(8).padStart(width - 1, "0"));
  put(0, name);
  octal(100, 8, 0o644);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, size);
  octal(136, 12, 0);
  put(148, "        ");
  put(156, type);
  put(257, "ustar");
  put(263, "00");
  octal(
    148,
    7,
    made.reduce((sum, one) => sum + one, 0),
  );
  made[154] = 0;
  return made;
}

// LENGTH KEYWORD=VALUE, where the length counts itself.
function record(keyword, value) {
  const rest = encoder.encode(` ${keyword}=${value}\n`).length;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${keyword}=${value}\n`;
}

// The pieces of the archive, in order. `read(offset, length)` gives the bytes of the image that are to be in it.
export async function* archive({ length, ranges, facts, read }) {
  const stored = wholeSectors(ranges, length);
  const last = stored.at(-1);
  const numbers = stored.flat();
  if (!last || last[0] + last[1] < length) numbers.push(length, 0);
  const map = padded(encoder.encode([numbers.length / 2, ...numbers].map((one) => `${one}\n`).join("")));
  const size = map.length + total(stored);
  const pax = encoder.encode(
    [
      record("GNU.sparse.major", "1"),
      record("GNU.sparse.minor", "0"),
      record("GNU.sparse.name", NAME),
      record("GNU.sparse.realsize", String(length)),
      record("comment", JSON.stringify({ format: FORMAT, kind: "skeleton", ...facts })),
    ].join(""),
  );
  yield block("././@PaxHeader", "x", pax.length);
  yield padded(pax);
  yield block(`GNUSparseFile.0/${NAME}`, "0", size);
  yield map;
  for (const [offset, bytes] of stored) {
    for (let at = 0; at < bytes; at += PIECE) yield await read(offset + at, Math.min(PIECE, bytes - at));
  }
  yield new Uint8Array((512 - (size % 512)) % 512);
  yield new Uint8Array(1024);
}

// All of it as one compressed Blob. `said(bytes)` hears how far it is, before compression.
export async function packed(pieces, said) {
  let done = 0;
  let why = null;
  const source = new ReadableStream({
    async pull(controller) {
      try {
        const { value, done: isOver } = await pieces.next();
        if (isOver) {
          controller.close();
          return;
        }
        done += value.length;
        said(done);
        controller.enqueue(value);
      } catch (error) {
        why = error; // a Response tells of a stream that broke, not why
        throw error;
      }
    },
  });
  try {
    return await new Response(source.pipeThrough(new CompressionStream("gzip"))).blob();
  } catch (error) {
    throw why ?? error;
  }
}
