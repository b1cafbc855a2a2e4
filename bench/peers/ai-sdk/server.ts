import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { serve } from '@hono/node-server';
import {
  convertToModelMessages,
  createUIMessageStreamResponse,
  generateId,
  isStepCount,
  streamText,
  tool,
  toUIMessageStream,
  UI_MESSAGE_STREAM_HEADERS,
  type UIMessage,
} from 'ai';
import { Hono } from 'hono';
import { createResumableStreamContext } from 'resumable-stream';
import { z } from 'zod';
import { createChatStore } from './chat-store.ts';

/** A chat server after the AI SDK's guides "Chatbot Resume Streams" and "Chatbot Message Persistence", outside of Next.js. */

const chats = await createChatStore();
/** One for the process, as resumable-stream's README has it. Connects to `REDIS_URL`. */
const streams = createResumableStreamContext({ waitUntil: null, keyPrefix: 'bench-ai-sdk' });
const provider = createOpenAICompatible({
  name: 'scripted',
  baseURL: process.env['MODEL_URL'] ?? '',
  includeUsage: true,
});
/** The guide's `cancelActiveWork` is the application's to write. Its stop endpoint reaches only work of its own process. */
const activeWork = new Map<string, AbortController>();

const tools = {
  calculator: tool({
    description: 'Evaluates an arithmetic expression.',
    inputSchema: z.object({ expression: z.string() }),
    execute: () => '2',
  }),
};

interface ChatRequest {
  id: string;
  message: UIMessage;
  model: string;
}

const app = new Hono();

app.post('/api/chat', async (context) => {
  const { id, message, model } = await context.req.json<ChatRequest>();
  const messages = [...(await chats.read(id)).messages, message];
  await chats.save(id, { messages, activeStreamId: null });

  const streamId = generateId();
  const work = new AbortController();
  activeWork.set(streamId, work);
  const result = streamText({
    model: provider(model),
    messages: await convertToModelMessages(messages),
    tools,
    stopWhen: isStepCount(100),
    maxRetries: 0,
    // Not the request's own signal: a lost connection would end what is to be resumed.
    abortSignal: work.signal,
  });
  const resumable = Promise.withResolvers<void>();
  const response = createUIMessageStreamResponse({
    stream: toUIMessageStream({
      stream: result.stream,
      originalMessages: messages,
      generateMessageId: generateId,
      onEnd: async ({ messages }) => {
        activeWork.delete(streamId);
        await chats.save(id, { messages, activeStreamId: null });
      },
    }),
    consumeSseStream: ({ stream }) => resumable.resolve(keep(id, streamId, stream)),
  });
  // The guide does not wait: a second reader who came in these first milliseconds would be told that there is no stream.
  await resumable.promise;
  return response;
});

async function keep(id: string, streamId: string, stream: ReadableStream<string>): Promise<void> {
  await streams.createNewResumableStream(streamId, () => stream);
  await chats.save(id, { activeStreamId: streamId });
}

app.get('/api/chat/:id/stream', async (context) => {
  const { activeStreamId } = await chats.read(context.req.param('id'));
  if (activeStreamId === null) return context.body(null, 204);
  const resumeAt = Number(context.req.query('resumeAt') ?? 0);
  const stream = await streams.resumeExistingStream(activeStreamId, resumeAt);
  if (!stream) return context.body(null, 204);
  return new Response(stream.pipeThrough(new TextEncoderStream()), {
    headers: UI_MESSAGE_STREAM_HEADERS,
  });
});

app.post('/api/chat/:id/stop', async (context) => {
  const { activeStreamId } = await chats.read(context.req.param('id'));
  if (activeStreamId !== null) activeWork.get(activeStreamId)?.abort();
  return context.json({ success: true });
});

app.get('/api/chat/:id', async (context) =>
  context.json(await chats.read(context.req.param('id'))),
);

app.onError((error, context) => {
  console.error(String(error));
  return context.text(String(error), 500);
});

serve(
  { fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT']) },
  ({ port }) => {
    console.log(`the server listens at http://127.0.0.1:${port}`);
  },
);
