//! The desktop window's way to the engine. The only file that names Tauri.
import { Channel, invoke } from "@tauri-apps/api/core";
import { getCurrentWebview } from "@tauri-apps/api/webview";
import type { Batch } from "../gen/Batch";
import { asRefusal, CallRefused, type CallName, type DesktopWords, type Host, type LinkState, type NativeDrop, type Params, type Reply } from "./host";

export function tauriHost(): Host {
  return { call, subscribe, onNativeDrop, tellWords };
}

async function call<K extends CallName>(name: K, params: Params<K>): Promise<Reply<K>> {
  try {
    return await invoke<Reply<K>>("rpc", { call: name, params });
  } catch (thrown) {
    throw new CallRefused(asRefusal(thrown));
  }
}

function subscribe(onBatch: (batch: Batch) => void, onLink: (link: LinkState) => void): () => void {
  const channel = new Channel<Batch>();
  let isOver = false;
  channel.onmessage = (batch) => {
    if (!isOver) onBatch(batch);
  };
  onLink("connecting");
  invoke("subscribe", { channel }).then(
    () => !isOver && onLink("open"),
    () => !isOver && onLink("lost"),
  );
  return () => {
    isOver = true;
  };
}

function tellWords(words: DesktopWords): void {
  // A tray in another language is no reason to trouble the user.
  void invoke("speak", { words }).catch(() => undefined);
}

function onNativeDrop(listener: (drop: NativeDrop) => void): () => void {
  const stopped = getCurrentWebview().onDragDropEvent(({ payload }) => {
    if (payload.type === "leave") return listener({ kind: "leave" });
    // Whatever the type says, only Windows tells the place in the screen's own pixels.
    const scale = navigator.userAgent.includes("Windows") ? window.devicePixelRatio : 1;
    const at = { x: payload.position.x / scale, y: payload.position.y / scale };
    if (payload.type === "over") return listener({ kind: "over", ...at });
    return listener({ kind: payload.type, paths: payload.paths, ...at });
  });
  return () => {
    void stopped.then((stop) => stop());
  };
}
