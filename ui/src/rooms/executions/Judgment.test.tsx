// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import type { Stage } from '~/api/queries'
import { Judged, JudgmentBox } from './Judgment'
import { executionOf, stageOf } from './make'

afterEach(() => {
  cleanup()
  vi.unstubAllGlobals()
})

const judging = (context: Record<string, unknown>): Stage => stageOf('s1', { type: 'manualJudgment', name: 'Is it good?', status: 'RUNNING', startTime: 1, context })

function shown(stage: Stage) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <JudgmentBox x={executionOf([stage], { id: 'x1', status: 'RUNNING' })} stage={stage} />
    </QueryClientProvider>,
  )
}

test('an answer is sent with the choice, and a refusal stands where it was asked', async () => {
  const sent: unknown[] = []
  vi.stubGlobal('fetch', async (r: Request) => {
    sent.push([r.method, new URL(r.url).pathname, await r.json()])
    return Response.json({ message: 'It has ended.', hint: 'Look at it again.' }, { status: 409 })
  })
  shown(judging({ judgmentInputs: [{ value: 'later' }, { value: 'never' }, {}] }))
  fireEvent.change(screen.getByRole('combobox'), { target: { value: 'never' } })
  fireEvent.click(screen.getByRole('button', { name: 'Stop' }))
  await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('It has ended.'))
  expect(sent).toEqual([['PATCH', '/pipelines/x1/stages/s1', { judgmentStatus: 'stop', judgmentInput: 'never' }]])
})

test('instructions are text: nothing in them acts', () => {
  shown(judging({ instructions: '<img src=x onerror="alert(1)"><b>Look</b> at [it](javascript:alert(1)) <a href="https://example.com">here</a>' }))
  expect(document.querySelector('img, script, [onerror]')).toBeNull()
  expect(screen.getByText('Look').tagName).toBe('STRONG')
  expect(screen.getAllByRole('link').map((a) => a.getAttribute('href'))).toEqual(['https://example.com'])
})

test('it is told who judged', () => {
  render(<Judged stage={stageOf('s1', { type: 'manualJudgment', context: { judgmentStatus: 'Continue', judgmentInput: 'ship it' }, lastModified: { user: 'alice', lastModifiedTime: 0 } })} />)
  expect(document.body.textContent).toBe('alice judged to continue with “ship it”.')
})
