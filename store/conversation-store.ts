import type { CancelRequest, Conversation, Message, TaskRecord } from '../contract/task.ts';
import type { CancelResult, Page, PageRequest } from './store.ts';

export interface MessagePageRequest extends PageRequest {
  /** Those too that were rolled back. */
  rolledBack?: boolean;
}

/** A message with the turn that it was said in. */
export type SaidInTurn = Message & { turn: number };

/** Asks for results that nobody was given yet, or for those of the same claim again. */
export interface ResultClaim {
  claimId: string;
  limit: number;
}

/** What a store keeps of conversations. Every method is one transaction. */
export interface ConversationStore {
  createConversation(conversation: Omit<Conversation, 'created_at'>): Promise<Conversation>;
  getConversation(id: string, owner: string): Promise<Conversation | null>;
  listConversations(owner: string, page: PageRequest): Promise<Page<Conversation>>;
  /** Forgets a conversation with its messages and ended tasks, and gives their ids. Null: absent or another's. Throws `task_not_terminal`. */
  deleteConversation(id: string, owner: string): Promise<string[] | null>;
  /** Messages sorted by (turn, role: user first), oldest first. */
  listMessages(conversationId: string, page: MessagePageRequest): Promise<Page<Message>>;
  /** What stands in the conversation of the turns `from` and later, `before` left out, in order. */
  readConversation(
    conversationId: string,
    turns: { from: number; before: number },
  ): Promise<SaidInTurn[]>;
  /** Ended detached tasks that no claim has delivered, first ended first; by a claim that has delivered some, the same again. Null: no such conversation. */
  claimResults(id: string, owner: string, claim: ResultClaim): Promise<TaskRecord[] | null>;
  /** Forgets the conversation's ended tasks, as `deleteTask`, but those whose result was not delivered. Their ids; null: absent or another's. */
  forgetEndedTasks(id: string, owner: string): Promise<string[] | null>;
  /** `requestCancel` for every task of the conversation that has not ended, at once: none of them gets its turn by another's end. Null: absent or another's. */
  cancelConversation(
    id: string,
    owner: string,
    request: CancelRequest,
  ): Promise<CancelResult[] | null>;
}
