import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Addresses are relative: the server says where the application stands, under any path.
  base: "./",
  plugins: [react()],
  css: { postcss: "./postcss.config.cjs" },
  build: {
    outDir: "../src/onbeat/ui/dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false }, // which would be an inline script
    assetsInlineLimit: 0, // the policy lets no picture in that is not a file
  },
  test: { environment: "jsdom" },
});
