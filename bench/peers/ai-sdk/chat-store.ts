import type { UIMessage } from 'ai';
import { createClient } from 'redis';

export interface Chat {
  messages: UIMessage[];
  /** The stream that a reader who comes back is given; null where none is under way. */
  activeStreamId: string | null;
}

/** The guides' `readChat` and `saveChat`, on Redis. A chat is kept for an hour. */
export async function createChatStore() {
  const redis = await createClient({ url: process.env['REDIS_URL'] ?? '' }).connect();
  const key = (id: string) => `bench-ai-sdk:chat:${id}`;
  return {
    async read(id: string): Promise<Chat> {
      const fields = await redis.hGetAll(key(id));
      return {
        messages: JSON.parse(fields['messages'] ?? '[]') as UIMessage[],
        activeStreamId: fields['activeStreamId'] || null,
      };
    },
    async save(id: string, { messages, activeStreamId }: Partial<Chat>): Promise<void> {
      await redis
        .multi()
        .hSet(key(id), {
          ...(messages && { messages: JSON.stringify(messages) }),
          ...(activeStreamId !== undefined && { activeStreamId: activeStreamId ?? '' }),
        })
        .expire(key(id), 3600)
        .exec();
    },
  };
}
