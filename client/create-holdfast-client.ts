import type { Message } from '../contract/task.ts';
import type { Receipt, StreamToken, Taken, Task } from '../contract/wire.ts';
import { readError } from './holdfast-error.ts';
import { readFeed, type FeedFrame, type FeedOptions } from './read-feed.ts';
import type {
  CancelConversationRequest,
  CancelRequest,
  ClaimRequest,
  DecideRequest,
  ListRequest,
  MessageRequest,
  MessagesRequest,
  StartRequest,
} from './requests.ts';

export interface HoldfastClientOptions {
  /** Where the API is, such as `http://127.0.0.1:8080`. */
  baseUrl: string;
  /** Goes with every request. Not into a browser: give that a stream token. */
  apiKey?: string;
  /** Left out: the global one. */
  fetch?: typeof fetch;
}

export interface PageOptions {
  /** 1 to 100. */
  limit?: number;
  /** `next_cursor` of the page before. */
  cursor?: string;
}

/** A page of a list. `next_cursor` is null at its end. */
export interface ListPage<T> {
  data: T[];
  next_cursor: string | null;
}

/**
 * The service, for browsers and Node. What the service refuses is thrown as a `HoldfastError`; where it cannot be reached,
 * `fetch`'s own `TypeError` comes through. Only the feeds try again by themselves.
 */
export interface HoldfastClient {
  /** Starts a task. With an idempotency key a repetition gives the task of the first request. */
  start(request: StartRequest, options?: { idempotencyKey?: string }): Promise<Task>;
  get(taskId: string): Promise<Task>;
  /** The task and all tasks below it, of every generation, oldest first. */
  tree(taskId: string, page?: PageOptions): Promise<ListPage<Task>>;
  /** Asks a task and all below it to stop, and waits a while for their end: the receipt tells how far that went. */
  cancel(taskId: string, request?: CancelRequest): Promise<Receipt>;
  /**
   * Writes to a running task, or with `mode: 'after_run'` for after its run: the answer then names the task that was started
   * for it. With an idempotency key a repetition is the same message.
   */
  message(
    taskId: string,
    request: MessageRequest,
    options?: { idempotencyKey?: string },
  ): Promise<Taken>;
  /** Decides on a call that waits for approval (`approval.requested`, `live.pending_approvals`). */
  approve(taskId: string, approvalId: string, request: DecideRequest): Promise<Taken>;
  list(request?: ListRequest): Promise<ListPage<Task>>;
  /** Stored messages of a conversation, oldest first. */
  messages(conversationId: string, page?: MessagesRequest): Promise<ListPage<Message>>;
  /** Cancels all that runs or waits in a conversation. */
  cancelConversation(
    conversationId: string,
    request?: CancelConversationRequest,
  ): Promise<{ cancelled: number; receipts: Receipt[] }>;
  /** Ended detached tasks of a conversation that were not claimed before. */
  claimResults(conversationId: string, request: ClaimRequest): Promise<{ data: Task[] }>;
  /** Forgets the ended tasks of a conversation, but those whose result is still to be claimed. */
  forgetEndedTasks(conversationId: string): Promise<{ removed: number }>;
  /** A token that reads the feed of a task, for who must not have the key: `events(taskId, { accessToken })`, or `EventSource`. */
  streamToken(taskId: string): Promise<StreamToken>;
  /** The feed of a task, to its end, however often the connection is lost on the way. */
  events(taskId: string, options?: FeedOptions): AsyncGenerator<FeedFrame, void, undefined>;
  /** The feed of all tasks of a conversation, from its first one on, until the reader leaves. */
  conversationEvents(
    conversationId: string,
    options?: Omit<FeedOptions, 'accessToken'>,
  ): AsyncGenerator<FeedFrame, void, undefined>;
  /** The log entries of all tasks, from now on unless `after` says otherwise, until the reader leaves. */
  allEvents(
    options?: Pick<FeedOptions, 'after' | 'signal'>,
  ): AsyncGenerator<FeedFrame, void, undefined>;
}

/** Makes a client. Throws a `TypeError` where `baseUrl` is no URL. */
export function createHoldfastClient(options: HoldfastClientOptions): HoldfastClient {
  const base = new URL(options.baseUrl).href.replace(/\/$/, '');
  const ask = withKey(options);

  async function request<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await ask(base + path, init);
    if (!response.ok) throw await readError(response);
    return (await response.json()) as T;
  }
  const post = <T>(path: string, body: object, headers: Record<string, string> = {}) =>
    request<T>(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  const several = { fetch: ask, endless: true };

  return {
    start: (body, options) => post('/v1/tasks', body, keyHeader(options)),
    get: (taskId) => request(taskPath(taskId)),
    tree: (taskId, page = {}) => request(`${taskPath(taskId)}/tree${listQuery(page)}`),
    cancel: (taskId, body = {}) => post(`${taskPath(taskId)}/cancel`, body),
    message: (taskId, body, options) =>
      post(`${taskPath(taskId)}/messages`, body, keyHeader(options)),
    approve: (taskId, approvalId, body) =>
      post(`${taskPath(taskId)}/approvals/${encodeURIComponent(approvalId)}`, body),
    list: (filter = {}) => request(`/v1/tasks${listQuery(filter)}`),
    messages: (conversationId, page = {}) =>
      request(`${conversationPath(conversationId)}/messages${listQuery(page)}`),
    cancelConversation: (conversationId, body = {}) =>
      post(`${conversationPath(conversationId)}/cancel`, body),
    claimResults: (conversationId, body) =>
      post(`${conversationPath(conversationId)}/results/claim`, body),
    forgetEndedTasks: (conversationId) =>
      request(`${conversationPath(conversationId)}/tasks?state=terminal`, { method: 'DELETE' }),
    streamToken: (taskId) => request(`${taskPath(taskId)}/stream-token`, { method: 'POST' }),
    events: (taskId, feed = {}) =>
      readFeed({ url: `${base}${taskPath(taskId)}/events`, fetch: ask }, feed),
    conversationEvents: (conversationId, feed = {}) =>
      readFeed({ ...several, url: `${base}${conversationPath(conversationId)}/events` }, feed),
    allEvents: (feed = {}) => readFeed({ ...several, url: `${base}/v1/events` }, feed),
  };
}

function keyHeader({ idempotencyKey }: { idempotencyKey?: string } = {}): Record<string, string> {
  return idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey };
}

/** `fetch`, with the key in each request. */
function withKey({ apiKey, fetch: given }: HoldfastClientOptions): typeof fetch {
  // A browser's `fetch` must not be called as a method of anything but the window.
  const ask: typeof fetch = given ?? ((input, init) => fetch(input, init));
  if (apiKey === undefined) return ask;
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('Authorization', `Bearer ${apiKey}`);
    return ask(input, { ...init, headers });
  };
}

function taskPath(taskId: string): string {
  return `/v1/tasks/${encodeURIComponent(taskId)}`;
}

function conversationPath(conversationId: string): string {
  return `/v1/conversations/${encodeURIComponent(conversationId)}`;
}

/** `metadata` as one parameter per key, a list as one per value. */
function listQuery({ metadata = {}, ...fields }: ListRequest & MessagesRequest): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value].flat()) if (one !== undefined) query.append(name, String(one));
  }
  for (const [key, value] of Object.entries(metadata)) query.append(`metadata.${key}`, value);
  return query.size > 0 ? `?${query}` : '';
}
