// Without a server (file://) browsers start no workers. The search's worker then runs in a hidden frame. Messages go
// both ways in turns of their own, as they do between a page and a worker.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      const frame = document.createElement("iframe");
      const answer = "worker:" + Math.random();
      frame.hidden = true;
      frame.srcdoc =
        "<script>" +
        "const page = parent;" +
        "window.postMessage = (data) => page.setTimeout(() => " +
        "  page.dispatchEvent(new page.MessageEvent('" + answer + "', { data })));" +
        "window.importScripts = (...urls) => urls.reduce((before, url) => before.then(() => new Promise((done) => {" +
        "  const script = document.createElement('script');" +
        "  script.src = url; script.onload = done; document.head.append(script);" +
        "})), Promise.resolve());" +
        "</script><script src='" + new URL(url, location.href) + "'></script>";
      addEventListener(answer, (event) => {
        const message = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(message);
        if (this.onmessage) this.onmessage(message);
      });
      frame.addEventListener("load", () => {
        this.frame = frame;
        for (const data of this.waiting.splice(0)) this.postMessage(data);
      });
      const place = () => document.body.append(frame);
      if (document.body) place(); else addEventListener("DOMContentLoaded", place);
    }
    postMessage(data) {
      if (!this.frame) { this.waiting.push(data); return; }
      setTimeout(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
    }
    terminate() { if (this.frame) this.frame.remove(); }
  };
}
