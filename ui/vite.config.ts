import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// The mock build is a page of its own, so that no line of the mock can reach the shipped one.
export default defineConfig(({ mode }) => ({
  base: "./",
  plugins: [svelte()],
  // Tests run the runes as a browser does, not as a server that renders once.
  ...(process.env["VITEST"] ? { resolve: { conditions: ["browser"] } } : {}),
  build: {
    target: "es2022",
    outDir: mode === "mock" ? "dist-mock" : "dist",
    emptyOutDir: true,
    // Inlined assets would be `data:` addresses, which the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: mode === "mock" ? "mock.html" : "index.html" },
  },
  test: { environment: "node", include: ["test/**/*.test.ts"] },
}));
