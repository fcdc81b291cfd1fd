import { mount } from "svelte";
import type { Host } from "./host/host";
import { Application } from "./state/application";
import { watchDefects } from "./state/defects";
import { readPreference } from "./state/preference";
import "./styles/base.css";
import { preferredLanguage, speak } from "./texts/texts.svelte";
import Window from "./views/Window.svelte";

/** Puts the window on the page, in the colours and the language it last had. */
export async function start(host: Host): Promise<Application> {
  const theme = readPreference("theme");
  // Before the first paint: a dark window must not flash white.
  if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
  await speak(preferredLanguage());
  const application = new Application(host);
  watchDefects(application.notices);
  mount(Window, { target: document.body, props: { application } });
  return application;
}
