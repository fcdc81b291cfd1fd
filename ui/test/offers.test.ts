import { describe, expect, it } from "vitest";
import { DropWatch } from "../src/add/drop.svelte";
import type { Host } from "../src/host/host";
import { Application } from "../src/state/application";
import { Dialogs } from "../src/state/dialogs.svelte";

const silent: Host = {
  call: () => new Promise(() => undefined),
  subscribe: () => () => undefined,
  onNativeDrop: () => () => undefined,
};

describe("what another program hands over", () => {
  it("waits until the user is done with the dialog that is open", () => {
    const dialogs = new Dialogs();
    dialogs.openAdd({ text: "half typed" });
    dialogs.offerAdd({ text: "first" });
    dialogs.offerAdd({ text: "second" });
    const shown = [0, 1, 2, 3].map(() => {
      const text = dialogs.add?.text;
      dialogs.closeAdd();
      return text;
    });
    expect(shown).toEqual(["half typed", "first", "second", undefined]);
  });
});

describe("files held over the desktop's window", () => {
  // The page under the pointer is none of this test's business.
  const drops = () => {
    globalThis.document ??= { elementFromPoint: () => null } as unknown as Document;
    const application = new Application(silent);
    return { application, watch: new DropWatch(application) };
  };
  const at = { x: 0, y: 0 };

  it("that are Metalinks alone are offered as downloads, and left to the desktop", () => {
    const { application, watch } = drops();
    const paths = ["/a/set.meta4", "/a/OLD.METALINK"];
    watch.native({ kind: "enter", paths, ...at });
    expect(watch.held).toEqual({ kind: "text" });
    watch.native({ kind: "drop", paths, ...at });
    expect(application.dialogs.add).toBeNull();
  });

  it("are uploads but for the Metalinks among them", () => {
    const { application, watch } = drops();
    const paths = ["/a/set.meta4", "/a/film.mov"];
    watch.native({ kind: "enter", paths, ...at });
    expect(watch.held).toEqual({ kind: "files", count: 1 });
    watch.native({ kind: "drop", paths, ...at });
    expect(application.dialogs.add).toMatchObject({ mode: "uploads", paths: ["/a/film.mov"] });
  });
});
