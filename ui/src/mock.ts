//! The window without an engine, for looking at it and for measuring it.
//! `?jobs=10000&running=100` makes many jobs, `?jobs=0` none, `?still` stops them, `?theme=dark`.
import { MockEngine } from "./host/mock/engine";
import { mockHost, type MockHost } from "./host/mock/host";
import { manyJobs, mixedJobs } from "./host/mock/jobs";
import type { Application } from "./state/application";
import { EMPTY_QUEUE, type QueueState } from "./state/queue";
import { start } from "./start";
import { type Language, speak } from "./texts/texts.svelte";

declare global {
  interface Window {
    /** For scripts that drive the page. */
    ropeway: { host: MockHost; application: Application; empty: QueueState; speak: (language: Language) => Promise<void> };
  }
}

const STEP_MS = 250;

const wanted = new URLSearchParams(location.search);
const count = wanted.get("jobs");
const jobs = count === null ? mixedJobs(Date.now()) : manyJobs(Number(count), Number(wanted.get("running") ?? 0), Date.now());
const targets =
  count === "0"
    ? []
    : [
        { id: 1, name: "NAS", address: "https://nas.local:8443/incoming/" },
        { id: 2, name: "Post-production", address: "https://upload.studio.example.com/day/" },
        { id: 3, name: "Web form", address: "form+https://forms.example.org/submit#field=file" },
      ];

const engine = new MockEngine(jobs, targets);
const theme = wanted.get("theme");
if (theme === "light" || theme === "dark") engine.settings = { ...engine.settings, theme };
if (!wanted.has("still")) setInterval(() => engine.advance(STEP_MS / 1000), STEP_MS);

const host = mockHost(engine);
window.ropeway = { host, application: await start(host), empty: EMPTY_QUEUE, speak };
