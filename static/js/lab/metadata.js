// Takes the metadata out of an image in the reader's browser, shows what would be sent, and asks. static/js/lab/skeleton
// does the work, in a worker.
import { size } from "./words.js";

const STEPS = {
  tables: "Reading the tables.",
  refcounts: "Comparing the refcounts.",
  packing: "Packing.",
};

export const isPossible = typeof CompressionStream === "function" && typeof Worker === "function";

function item(words) {
  const made = document.createElement("li");
  made.textContent = words;
  return made;
}

const ranges = (count) => `${count.toLocaleString("en")} range${count === 1 ? "" : "s"}`;

export class Metadata {
  // on: { packed(file), whole(file) or null where it is too large, stop() }
  constructor(panel, worker, on) {
    this.panel = panel;
    this.workerUrl = worker;
    this.on = on;
    this.worker = null;
    this.part("stop").addEventListener("click", () => this.stop());
    this.part("send").addEventListener("click", () => this.send());
    this.part("whole").addEventListener("click", () => {
      this.end();
      this.on.whole(this.file);
    });
  }

  part(name) {
    return this.panel.querySelector(`[data-${name}]`);
  }

  say(sentence, tone = "") {
    this.part("said").className = tone;
    this.part("said").textContent = sentence;
  }

  // `because` says why the whole image is not sent; `canSendWhole` whether that is a way at all.
  begin(file, { because = "", canSendWhole = true } = {}) {
    this.file = file;
    this.canSendWhole = canSendWhole;
    this.because = because;
    this.panel.hidden = false;
    for (const name of ["summary", "send", "whole", "suspects", "names-box", "luks"]) this.part(name).hidden = true;
    for (const radio of this.panel.querySelectorAll("[name=suspects]")) radio.checked = false;
    this.part("name").textContent = file.name;
    this.draw(0, 1);
    this.part("bar").hidden = false;
    this.say(because ? `${because} Its metadata alone is read now.` : "Reading the header.");
    this.panel.focus({ preventScroll: true });
    this.panel.scrollIntoView({ block: "nearest" });
    this.worker = new Worker(this.workerUrl, { type: "module" });
    this.worker.addEventListener("message", ({ data }) => this.hear(data));
    this.worker.addEventListener("error", () => this.refuse("This browser cannot do it. Use the command below."));
    this.worker.postMessage({ file });
  }

  hear(data) {
    if (data.kind === "step") {
      this.draw(data.done, data.all);
      if (STEPS[data.step] !== this.part("said").textContent) this.say(STEPS[data.step]);
    } else if (data.kind === "plan") this.show(data);
    else if (data.kind === "packed") this.packed(data.blob);
    else this.refuse(data.sentence);
  }

  draw(done, all) {
    const bar = this.part("bar");
    bar.value = all ? Math.min(100, Math.floor((done * 100) / all)) : 100;
    bar.textContent = `${bar.value} %`;
  }

  show({ plan, names, nameCount, sureBytes }) {
    this.part("bar").hidden = true;
    this.suspects = plan.suspectCount;
    const taken = sureBytes + plan.suspectBytes;
    this.say(`${size(taken)} of ${size(plan.length)} would be sent, less when packed. Nothing has been sent yet.`);
    this.part("kinds").replaceChildren(...plan.kinds.map(([role, bytes]) => item(`${role}: ${size(bytes)}`)));
    if (plan.luksBytes) {
      this.part("luks").textContent = `The LUKS header with its key slots, ${size(plan.luksBytes)}, is never sent.`;
      this.part("luks").hidden = false;
    }
    if (nameCount) {
      this.part("names-title").textContent =
        `Among it ${nameCount.toLocaleString("en")} name${nameCount === 1 ? "" : "s"} that may be private`;
      const shown = names.map(({ what, words }) => item(`${what}: ${words ?? "(no text)"}`));
      if (nameCount > names.length) shown.push(item(`and ${(nameCount - names.length).toLocaleString("en")} more`));
      this.part("names").replaceChildren(...shown);
      this.part("names-box").hidden = false;
    }
    if (this.suspects) this.ask(plan);
    this.part("summary").hidden = false;
    this.part("send").hidden = false;
    this.part("send").focus({ preventScroll: true });
  }

  // A damaged pointer may lead to the guest's data: nothing is chosen for the person.
  ask(plan) {
    this.part("suspects-title").textContent =
      `${ranges(this.suspects)}, ${size(plan.suspectBytes)}, may be the guest’s data, because a damaged pointer ` +
      "may lead there";
    const shown = plan.suspects.map(({ offset, length, role, reason }) =>
      item(`${offset.toLocaleString("en")}, ${size(length)}: ${role}; ${reason}`),
    );
    if (this.suspects > plan.suspects.length) {
      shown.push(item(`and ${(this.suspects - plan.suspects.length).toLocaleString("en")} more`));
    }
    this.part("suspect-list").replaceChildren(...shown);
    this.part("suspects").hidden = false;
  }

  send() {
    const answer = this.panel.querySelector("[name=suspects]:checked")?.value;
    if (this.suspects && !answer) {
      this.say("Say whether the ranges that may be the guest’s data are to be sent.", "text-bad");
      this.panel.querySelector("[name=suspects]").focus();
      return;
    }
    this.part("summary").hidden = true;
    this.part("send").hidden = true;
    this.part("bar").hidden = false;
    this.draw(0, 1);
    this.say(STEPS.packing);
    this.worker.postMessage({ withSuspects: answer === "take" });
  }

  packed(blob) {
    const name = `${this.file.name}.metadata.tar.gz`;
    const file = new File([blob], name, { type: "application/gzip", lastModified: this.file.lastModified });
    this.end();
    this.on.packed(file);
  }

  refuse(sentence) {
    this.worker?.terminate();
    this.part("bar").hidden = true;
    this.part("summary").hidden = true;
    this.part("send").hidden = true;
    this.part("whole").hidden = !this.canSendWhole;
    this.say(`${this.because} ${sentence}`.trim(), "text-bad");
  }

  end() {
    this.worker?.terminate();
    this.worker = null;
    this.panel.hidden = true;
  }

  stop() {
    this.end();
    this.on.stop();
  }
}
