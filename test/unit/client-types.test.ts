import type { z } from '@hono/zod-openapi';
import { expectTypeOf, it } from 'vitest';
import type {
  CancelConversationRequest,
  CancelRequest,
  ClaimRequest,
  DecideRequest,
  ListRequest,
  MessageRequest,
  MessagesRequest,
  StartRequest,
} from '../../client/requests.ts';
import type {
  CancelConversationSchema,
  ClaimResultsSchema,
  MessagesQuerySchema,
} from '../../api/conversation-schemas.ts';
import type { DecideSchema, SendMessageSchema } from '../../api/run-schemas.ts';
import type { ListTasksQuerySchema } from '../../api/list-schemas.ts';
import type { StartTaskSchema } from '../../api/schemas.ts';
import type { CancelTaskSchema } from '../../api/tree-schemas.ts';

/** Zod says `x?: T | undefined` where the client says `x?: T`. */
type Exact<T> = T extends readonly (infer Item)[]
  ? Exact<Item>[]
  : T extends object
    ? { [Key in keyof T]: Exact<Exclude<T[Key], undefined>> }
    : T;

/** These hold when the type check passes; at run time there is nothing left of them. */
it("the client's requests are those that the API takes", () => {
  expectTypeOf<Exact<StartRequest>>().toEqualTypeOf<Exact<z.input<typeof StartTaskSchema>>>();
  expectTypeOf<CancelRequest>().toEqualTypeOf<Exact<z.input<typeof CancelTaskSchema>>>();
  expectTypeOf<MessageRequest>().toEqualTypeOf<Exact<z.input<typeof SendMessageSchema>>>();
  expectTypeOf<DecideRequest>().toEqualTypeOf<Exact<z.input<typeof DecideSchema>>>();
  expectTypeOf<CancelConversationRequest>().toEqualTypeOf<
    Exact<z.input<typeof CancelConversationSchema>>
  >();
  expectTypeOf<ClaimRequest>().toEqualTypeOf<Exact<z.input<typeof ClaimResultsSchema>>>();
  expectTypeOf<keyof MessagesRequest>().toEqualTypeOf<
    keyof (typeof MessagesQuerySchema)['shape']
  >();
  type Filters = Exclude<keyof ListRequest, 'metadata'>;
  expectTypeOf<Filters>().toEqualTypeOf<keyof (typeof ListTasksQuerySchema)['shape']>();
});
