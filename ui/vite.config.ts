/// <reference types="vitest/config" />
import { promises as fs } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** Writes x.br and x.gz beside every text that is worth it, for the server to send as they are. */
function compress(): Plugin {
  const brotli = promisify(zlib.brotliCompress)
  const gzip = promisify(zlib.gzip)
  let dist = ''
  return {
    name: 'compress',
    apply: 'build',
    configResolved: (config) => void (dist = path.resolve(config.root, config.build.outDir)),
    async closeBundle() {
      const files = await fs.readdir(dist, { recursive: true })
      const texts = files.filter((f) => /\.(js|css|html|svg)$/.test(f)).map((f) => path.join(dist, f))
      await Promise.all(
        texts.map(async (file) => {
          const text = await fs.readFile(file)
          if (text.length < 1024) return
          await fs.writeFile(`${file}.br`, await brotli(text))
          await fs.writeFile(`${file}.gz`, await gzip(text, { level: 9 }))
        }),
      )
    },
  }
}

/** The server that `vite dev` asks for data. */
const server = process.env.GENNAKER_SERVER ?? 'http://127.0.0.1:8084'

export default defineConfig({
  base: '/ui/',
  plugins: [react(), compress()],
  resolve: { alias: { '~': path.resolve(import.meta.dirname, 'src') } },
  build: {
    target: 'es2023',
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 500,
    rolldownOptions: {
      output: {
        // What nearly every page needs comes with the first of them: a dozen small files take longer than their bytes.
        codeSplitting: { groups: [{ name: 'kit', test: /src\/(?:kit|api)\/(?!graph|code)|node_modules\/(?:@radix-ui|@floating-ui|react-remove-scroll|react-style-singleton|use-sidecar|use-callback-ref|aria-hidden|@tanstack\/(?:react-virtual|virtual-core))/ }] },
      },
    },
  },
  server: { proxy: { '^/(?!ui/)': server } },
  test: {
    restoreMocks: true,
    projects: [
      { extends: true, test: { name: 'pure', environment: 'node', include: ['src/**/*.test.ts'] } },
      { extends: true, test: { name: 'page', environment: 'jsdom', include: ['src/**/*.test.tsx'] } },
    ],
  },
})
