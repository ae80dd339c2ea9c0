// One file on its way by tus 1.0.0: retries, pause, and errors in the person's words. Knows nothing of the page.
const RETRY_MS = [0, 1000, 3000, 5000, 10000, ...new Array(30).fill(20000)];
const AGAIN_LATER = new Set([0, 409, 423, 500, 502, 503, 504]);

const SENTENCES = {
  401: "You are signed out. Sign in again in another tab, then press Resume. What was sent is kept.",
  403: "This page is too old. Press Resume; if that does not help, reload the page and choose the file again.",
  404: "This upload is not here any more. Press Resume to send the file again.",
  410: "This upload has expired. Press Resume to send the file again.",
};

function explain(error) {
  const response = error.originalResponse;
  const status = response?.getStatus() ?? 0;
  if (status === 0) return "The portal could not be reached for a long time. What was sent is kept; press Resume.";
  if (SENTENCES[status]) return SENTENCES[status];
  const body = response.getBody()?.trim() ?? "";
  const isSentence = response.getHeader("Content-Type")?.startsWith("text/plain") && body.length < 400;
  return isSentence ? body : `The portal answered with an error (${status}). What was sent is kept; press Resume.`;
}

export class Transfer {
  // on: { progress(sent, total), retry(), stop(sentence), done(report), resumed(percent) }
  constructor(file, { endpoint, visibility, token, on }) {
    this.on = on;
    this.report = null;
    this.url = null;
    this.upload = new tus.Upload(file, {
      endpoint,
      metadata: { filename: file.name, visibility },
      headers: { "X-CSRFToken": token },
      retryDelays: RETRY_MS,
      removeFingerprintOnSuccess: true,
      onShouldRetry: (error) => {
        const again = AGAIN_LATER.has(error.originalResponse?.getStatus() ?? 0);
        if (again) on.retry();
        return again;
      },
      onUploadUrlAvailable: () => {
        this.url = this.upload.url;
      },
      onAfterResponse: (_request, response) => {
        this.report = response.getHeader("Upload-Report") ?? this.report;
      },
      onProgress: (sent, total) => on.progress(sent, total),
      onError: (error) => on.stop(explain(error)),
      onSuccess: () => on.done(this.report),
    });
  }

  // Go on with what an earlier visit of this browser began, if the same file is here again.
  async start() {
    const [earlier] = (await this.upload.findPreviousUploads()).sort(
      (one, other) => new Date(other.creationTime) - new Date(one.creationTime),
    );
    if (earlier) {
      this.upload.resumeFromPreviousUpload(earlier);
      this.url = earlier.uploadUrl;
      this.on.resumed();
    }
    this.upload.start();
  }

  pause() {
    return this.upload.abort();
  }

  // With the token of now: signing in again has made a new one.
  resume(token) {
    this.upload.options.headers["X-CSRFToken"] = token;
    this.upload.url = this.url;
    this.upload.start();
  }

  // Ends the upload here and there. Rejects when the portal could not be told; then it expires by itself.
  cancel() {
    return this.upload.abort(true);
  }
}
