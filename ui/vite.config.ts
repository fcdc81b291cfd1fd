import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

// The mock build is a page of its own, so that no line of the mock can reach the shipped one.
export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [svelte(), svelteTesting()],
  build: {
    target: "es2022",
    outDir: mode === "mock" ? "dist-mock" : "dist",
    emptyOutDir: true,
    // Inlined assets would be `data:` addresses, which the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: mode === "mock" ? "mock.html" : "index.html" },
  },
  test: { environment: "jsdom", include: ["test/**/*.test.ts"] },
}));
