// From an image and its plan to the file that is sent.
import { archive, packed } from "./container.js";
import { CHANGED, Refused } from "./image.js";
import { merged, total } from "./ranges.js";

const CRYPT_METHOD = 32;
// The type that the extension with the place of a LUKS header gets, so that QEMU does not look for one: "LUKS".
const HIDDEN_LUKS_EXTENSION = 0x4c554b53;

export async function fingerprint(image) {
  return (await image.read(0, 4096)).join();
}

// `before` is the fingerprint from before the plan was made.
export async function packSkeleton({ image, plan, withSuspects, before, said }) {
  const suspects = withSuspects ? plan.suspects.map((one) => [one.offset, one.length]) : [];
  const ranges = merged([...plan.sure, ...suspects]);
  const facts = {
    luks_header_bytes: plan.luksBytes,
    suspect_bytes_sent: withSuspects ? plan.suspectBytes : 0,
    suspect_bytes_left_out: withSuspects ? 0 : plan.suspectBytes,
  };
  const read = reader(image, ranges, plan.luksExtension);
  const all = total(ranges);
  const blob = await packed(archive({ length: plan.length, ranges, facts, read }), (done) => said(done, all));
  if ((await fingerprint(image)) !== before) throw new Refused(CHANGED);
  return blob;
}

// Gives the bytes of `ranges`, in order, and zeros for all that a widened range has besides. What is encrypted with
// LUKS says that it is not, as its LUKS header is not there.
function reader(image, ranges, luksExtension) {
  let first = 0;
  return async (offset, length) => {
    const made = new Uint8Array(length);
    while (first < ranges.length && ranges[first][0] + ranges[first][1] <= offset) first += 1;
    for (let next = first; next < ranges.length && ranges[next][0] < offset + length; next += 1) {
      const start = Math.max(ranges[next][0], offset);
      const bytes = Math.min(ranges[next][0] + ranges[next][1], offset + length) - start;
      const found = await image.read(start, bytes);
      if (found.length < bytes) throw new Refused(CHANGED);
      made.set(found, start - offset);
    }
    if (luksExtension !== null && offset <= luksExtension) {
      const view = new DataView(made.buffer);
      for (const [place, number] of [
        [CRYPT_METHOD, 0],
        [luksExtension, HIDDEN_LUKS_EXTENSION],
      ]) {
        const at = place - offset;
        if (at >= 0 && at + 4 <= length) view.setUint32(at, number);
      }
    }
    return made;
  };
}
