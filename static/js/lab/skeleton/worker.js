// The worker of the upload page: plans, waits for a yes, packs. The file is never in memory as a whole.
import { Image, Refused } from "./image.js";
import { fingerprint, packSkeleton } from "./pack.js";
import { planSkeleton } from "./plan.js";

let work = null;

async function plan(file) {
  const image = new Image(file);
  const before = await fingerprint(image);
  const made = await planSkeleton(image, (step, done, all) => postMessage({ kind: "step", step, done, all }));
  work = { image, before, plan: made };
  const { suspects, names, ...rest } = made;
  postMessage({
    kind: "plan",
    plan: { ...rest, sure: null, suspects: suspects.slice(0, 20), suspectCount: suspects.length },
    names: names.slice(0, 50),
    nameCount: names.length,
    sureBytes: made.sure.reduce((sum, [, length]) => sum + length, 0),
  });
}

async function pack(withSuspects) {
  const said = (done, all) => postMessage({ kind: "step", step: "packing", done, all });
  postMessage({ kind: "packed", blob: await packSkeleton({ ...work, withSuspects, said }) });
}

addEventListener("message", async ({ data }) => {
  try {
    if (data.file) await plan(data.file);
    else await pack(data.withSuspects);
  } catch (error) {
    const sentence =
      error instanceof Refused ? error.message : "This browser could not read the file. Use the command.";
    postMessage({ kind: "refused", sentence });
  }
});
