import { defineConfig, loadEnv } from "vite";

export default defineConfig(({ mode }) => {
  // PERPMESH_GATEWAY lets `npm run dev` show a mesh that runs elsewhere on this machine.
  const gateway = loadEnv(mode, ".", "PERPMESH_")["PERPMESH_GATEWAY"] ?? "http://localhost:8003";
  return {
    build: { target: "es2022", chunkSizeWarningLimit: 700 },
    worker: { format: "es" },
    server: { proxy: { "/perpmesh_api.": { target: gateway, changeOrigin: true } } },
  };
});
