// tus-js-client under Node, driven by a test: reads one JSON object from argv, prints one JSON object.
import { readFileSync } from "node:fs";
import { Upload } from "tus-js-client";

const job = JSON.parse(process.argv[2]);
const seen = { errors: [], retries: 0, progress: 0, report: null };

function done(more) {
  console.log(JSON.stringify({ ...seen, ...more }));
  process.exit(0);
}

const upload = new Upload(readFileSync(job.file), {
  endpoint: job.endpoint,
  uploadUrl: job.uploadUrl ?? null,
  headers: { Authorization: `Bearer ${job.token}` },
  metadata: { filename: "vm.qcow2", visibility: "private" },
  chunkSize: job.chunkSize ?? Number.POSITIVE_INFINITY,
  retryDelays: new Array(60).fill(job.retryDelay ?? 50),
  uploadDataDuringCreation: job.uploadDataDuringCreation ?? false,
  onShouldRetry: (error) => {
    const status = error.originalResponse?.getStatus() ?? 0;
    seen.retries += 1;
    return status === 0 || status === 409 || status === 423 || status >= 500;
  },
  onAfterResponse: (_request, response) => {
    seen.report = response.getHeader("Upload-Report") ?? seen.report;
  },
  onProgress: (sent) => {
    seen.progress = Math.max(seen.progress, sent);
  },
  onError: (error) =>
    done({ status: error.originalResponse?.getStatus() ?? 0, body: error.originalResponse?.getBody() ?? `${error}` }),
  onSuccess: () => done({ status: 200, url: upload.url }),
});
upload.start();
