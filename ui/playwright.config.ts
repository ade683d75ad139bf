// The pages as users have them: the real program, a real browser.
import { defineConfig } from '@playwright/test'

/** Debian's; CHROMIUM names another. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

export default defineConfig({
  testDir: 'test',
  outputDir: 'test-results',
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [['list', { printSteps: false }]],
  use: {
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
  projects: [
    { name: 'journeys', testMatch: /\.spec\.ts$/ },
    { name: 'shots', testMatch: /shots\.ts$/ },
    // A trace takes pictures all the time, which would be measured.
    { name: 'figures', testMatch: /figures\.ts$/, workers: 1, timeout: 300_000, use: { trace: 'off' } },
  ],
})
