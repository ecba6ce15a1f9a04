import { defineConfig } from "@hey-api/openapi-ts";

// `make client` writes the description beside this and removes it again: what is kept is the client.
export default defineConfig({
  input: process.env.ONBEAT_OPENAPI ?? "openapi.json",
  output: { path: "src/client", postProcess: [] },
  plugins: ["@hey-api/typescript", "@hey-api/sdk", "@hey-api/client-fetch"],
});
