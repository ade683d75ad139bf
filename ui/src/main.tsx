import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Feed } from '~/api/events'
import { keepLive } from '~/api/live'
import { FeedProvider } from '~/api/feed'
import { newQueryClient } from '~/api/queries'
import { KeyboardProvider } from '~/kit/keys'
import { ToastProvider } from '~/kit/toast'
import { newRouter } from '~/app/router'
import { applyTheme, readTheme } from '~/app/theme'
import '~/kit/tokens.css'
import '~/kit/base.css'

applyTheme(readTheme())
const client = newQueryClient()
const feed = new Feed()
keepLive(feed, client)
feed.start()

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <FeedProvider feed={feed}>
        <KeyboardProvider>
          <ToastProvider>
            <RouterProvider router={newRouter()} />
          </ToastProvider>
        </KeyboardProvider>
      </FeedProvider>
    </QueryClientProvider>
  </StrictMode>,
)
