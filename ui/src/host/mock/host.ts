import { CallRefused, asRefusal, type Host, type NativeDrop } from "../host";
import type { MockEngine } from "./engine";

/** A host without a program behind it; `drop` stands in for the desktop's drag events. */
export interface MockHost extends Host {
  readonly engine: MockEngine;
  drop(event: NativeDrop): void;
}

export function mockHost(engine: MockEngine): MockHost {
  const dropListeners = new Set<(drop: NativeDrop) => void>();
  return {
    engine,
    call: async (name, params) => {
      // One turn of the loop, as every real call takes at least.
      await Promise.resolve();
      try {
        return engine.call(name, params);
      } catch (thrown) {
        throw new CallRefused(asRefusal(thrown));
      }
    },
    subscribe: (onBatch, onLink) => {
      const stop = engine.subscribe(onBatch);
      onLink("open");
      return stop;
    },
    onNativeDrop: (listener) => {
      dropListeners.add(listener);
      return () => dropListeners.delete(listener);
    },
    drop: (event) => dropListeners.forEach((listener) => listener(event)),
  };
}
