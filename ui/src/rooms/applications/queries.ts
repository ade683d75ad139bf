import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, must } from '~/api/client'
import { keys } from '~/api/live'
import type { TasksSearch } from './search'

/** history are the saves of an application, newest first. */
export const history = (app: string) =>
  queryOptions({
    queryKey: [...keys.documents(app), 'history'],
    queryFn: ({ signal }) => must(api.GET('/applications/{app}/history', { params: { path: { app }, query: { limit: 100 } }, signal })),
  })

export const pageLength = 50

const statuses = {
  running: ['NOT_STARTED', 'RUNNING', 'PAUSED', 'SUSPENDED', 'BUFFERED'],
  failed: ['TERMINAL', 'CANCELED', 'STOPPED', 'FAILED_CONTINUE'],
  succeeded: ['SUCCEEDED'],
}

/** tasks is a page of an application's operations, newest first. */
export const tasks = (app: string, { result, page = 1 }: TasksSearch) =>
  queryOptions({
    queryKey: [...keys.executions(app), 'tasks', { result, page }],
    queryFn: ({ signal }) =>
      must(api.GET('/applications/{app}/tasks', { params: { path: { app }, query: { limit: pageLength, page, expand: false, statuses: result && statuses[result] } }, signal })),
    placeholderData: keepPreviousData,
  })

/** task is one operation with everything. */
export const task = (id: string) =>
  queryOptions({
    queryKey: [...keys.execution(id), 'task'],
    queryFn: ({ signal }) => must(api.GET('/tasks/{id}', { params: { path: { id } }, signal })),
    retry: false,
  })
