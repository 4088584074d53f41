// What a page tells of itself. `install` runs in the page before anything of the product does.

export interface Probe {
  /** When all of the page was live, as it says itself, in ms after navigation. */
  live: number;
  /** The WebAssembly's memory. */
  memory?: { buffer: ArrayBuffer };
  /** The longest time between two frames since `frames` was last reset, in ms. */
  gap: number;
  /** The longest task since then, in ms; 0 if none took more than 50. */
  task: number;
  /** The most messages that the document has held since then. */
  most: number;
}

declare global {
  interface Window {
    probe: Probe;
  }
}

export function install(): void {
  const probe: Probe = { live: 0, gap: 0, task: 0, most: 0 };
  window.probe = probe;

  new PerformanceObserver((list) => {
    probe.live ||= list.getEntriesByName('live')[0]?.startTime ?? 0;
  }).observe({ type: 'mark', buffered: true });
  for (const name of ['instantiate', 'instantiateStreaming'] as const) {
    const original = WebAssembly[name] as (...rest: unknown[]) => Promise<WebAssembly.WebAssemblyInstantiatedSource>;
    Object.assign(WebAssembly, {
      [name]: async (...rest: unknown[]) => {
        const made = await original(...rest);
        probe.memory = made.instance.exports.memory as WebAssembly.Memory;
        return made;
      },
    });
  }
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) probe.task = Math.max(probe.task, entry.duration);
  }).observe({ type: 'longtask' });
  let last = performance.now();
  const frame = (now: number) => {
    probe.gap = Math.max(probe.gap, now - last);
    last = now;
    const messages = document.getElementsByTagName('article').length;
    probe.most = Math.max(probe.most, messages);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}
