import type { z } from '@hono/zod-openapi';
import { expectTypeOf, it } from 'vitest';
import type {
  AgentSchema,
  ConversationSchema,
  ErrorSchema,
  MessageSchema,
  ReceiptSchema,
  TakenSchema,
  TaskSchema,
} from '../../api/response-schemas.ts';
import type { EventPageSchema, StreamTokenSchema } from '../../api/event-schemas.ts';
import type { FeedPage } from '../../api/ports.ts';
import type { StartTask } from '../../api/schemas.ts';
import type { Conversation, Message, TaskInput } from '../../contract/task.ts';
import type { ErrorBody, Receipt, StreamToken, Taken, Task } from '../../contract/wire.ts';

/** Zod says `x?: T | undefined` where the contract says `x?: T`; in JSON both are a field that is left out. */
type Exact<T> = T extends readonly (infer Item)[]
  ? Exact<Item>[]
  : T extends object
    ? {
        [Key in keyof T]: undefined extends T[Key]
          ? Exact<Exclude<T[Key], undefined>>
          : Exact<T[Key]>;
      }
    : T;
type Output<Schema extends z.ZodType> = Exact<z.output<Schema>>;

/** These hold when the type check passes; at run time there is nothing left of them. */
it('the schemas of the responses are the types of the contract', () => {
  expectTypeOf<Output<typeof TaskSchema>>().toEqualTypeOf<Exact<Task>>();
  expectTypeOf<Output<typeof ReceiptSchema>>().toEqualTypeOf<Exact<Receipt>>();
  expectTypeOf<Output<typeof TakenSchema>>().toEqualTypeOf<Exact<Taken>>();
  expectTypeOf<Output<typeof StreamTokenSchema>>().toEqualTypeOf<StreamToken>();
  expectTypeOf<Output<typeof MessageSchema>>().toEqualTypeOf<Exact<Message>>();
  expectTypeOf<Output<typeof ConversationSchema>>().toEqualTypeOf<
    Exact<Omit<Conversation, 'owner'>>
  >();
  expectTypeOf<Output<typeof EventPageSchema>>().toEqualTypeOf<Exact<FeedPage>>();
  expectTypeOf<z.output<typeof ErrorSchema>>().toExtend<{
    error: { code: string; request_id: string };
  }>();
  expectTypeOf<ErrorBody['error']['message']>().toEqualTypeOf<
    z.output<typeof ErrorSchema>['error']['message']
  >();
  expectTypeOf<z.output<typeof AgentSchema>['tools']>().toEqualTypeOf<string[]>();
});

it('the input of a start is an input of the contract', () => {
  expectTypeOf<StartTask['input']>().toEqualTypeOf<TaskInput>();
});
