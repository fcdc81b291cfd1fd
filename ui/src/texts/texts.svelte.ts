import { numberFormats, type NumberFormats } from "../format/number";
import { keepPreference, readPreference } from "../state/preference";
import { en, type KnownFailure, type Messages } from "./en";

/** The languages there are; each is fetched only when it is spoken. */
export const LANGUAGES = {
  en: { name: "English", load: () => Promise.resolve(en) },
  de: { name: "Deutsch", load: () => import("./de").then(({ de }) => de) },
  zh: { name: "中文", load: () => import("./zh").then(({ zh }) => zh) },
  ar: { name: "العربية", load: () => import("./ar").then(({ ar }) => ar) },
} as const satisfies Record<string, { name: string; load: () => Promise<Messages> }>;

export type Language = keyof typeof LANGUAGES;

let messages = $state.raw<Messages>(en);
let spoken = $state.raw<Language>("en");
let formats = $state.raw<NumberFormats>(numberFormats("en"));

/** The texts of the language spoken now. */
export function t(): Messages {
  return messages;
}

/** The number formats of the language spoken now. */
export function numbers(): NumberFormats {
  return formats;
}

export function spokenLanguage(): Language {
  return spoken;
}

/** What a failure is called in a row; `null` where the code is newer than this window. */
export function failureName(code: string): string | null {
  return code in messages.failures ? messages.failures[code as KnownFailure] : null;
}

/** The language the user chose, or else the first one the system prefers that there is. */
export function preferredLanguage(): Language {
  const isLanguage = (tag: string): tag is Language => tag in LANGUAGES;
  const chosen = readPreference("language");
  if (typeof chosen === "string" && isLanguage(chosen)) return chosen;
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage) ?? "en";
}

/** Speaks a language from now on. Chinese and Arabic keep the digits of the list western, as file managers do. */
export async function speak(language: Language): Promise<void> {
  messages = await LANGUAGES[language].load();
  spoken = language;
  formats = numberFormats(language === "ar" ? "ar-u-nu-latn" : language);
  document.documentElement.lang = language;
  document.documentElement.dir = messages.direction;
}

export function chooseLanguage(language: Language): Promise<void> {
  keepPreference("language", language);
  return speak(language);
}
