import type { Task } from '../../contract/wire.ts';
import type { Store } from '../../store/store.ts';
import { gate, type Turn } from '../support/model-server.ts';
import type { Rig, StartBody } from '../support/rig.ts';
import { eventually } from '../support/within.ts';

/** What the model of a held task says before it waits. */
export const HALF = 'It is forty';
/** What a held task has answered at its end. */
export const WHOLE = 'It is forty-two.';

/** With this store the reconciler looks at every run in every round, to save the tests' time. */
export const hasty = (store: Store): Store => ({
  ...store,
  dueChecks: (_olderThanMs, limit) => store.dueChecks(0, limit),
});

/** What tests do with the tasks of a conversation. */
export function conversationRuns(rig: () => Rig) {
  const post = <T>(conversation_id: string, action: string, body: object) =>
    rig().request<T>('POST', `/v1/conversations/${conversation_id}/${action}`, body);
  return {
    post,

    /** Starts a task that its model holds in the midst of the answer, once it is there. */
    async held(conversation_id: string, body: Partial<StartBody> = {}) {
      const waits = gate();
      const { model, key } = rig().script([
        { say: HALF },
        { gate: waits },
        { say: WHOLE.slice(HALF.length) },
      ]);
      const fields = { input: 'What is it?', model, conversation_id, ...body };
      const { id } = await rig().start(fields);
      await waits.reached;
      return { id, key, finish: waits.open };
    },

    /** Starts a task that answers `Noted.`, unless its turns say otherwise. */
    async start(
      conversation_id: string,
      { turns = [[{ say: 'Noted.' }]], ...body }: Partial<StartBody> & { turns?: Turn[] } = {},
    ) {
      const { model, key } = rig().script(...turns);
      const task = await rig().start({ input: 'And then?', model, conversation_id, ...body });
      return { ...task, key };
    },

    /** What the model was given in the first call under the key, without the instructions. */
    promptOf: (key: string) =>
      rig()
        .model.requests(key)[0]
        ?.body.messages.slice(1)
        .map(({ content }) => content),

    contentsOf: async (conversation_id: string) =>
      (await rig().messages(conversation_id)).map(({ content }) => content),

    /** Claims the results of the conversation's detached tasks, each told by what counts. */
    async claim(conversation_id: string, claim_id: string) {
      const { body } = await post<{ data: Task[] }>(conversation_id, 'results/claim', { claim_id });
      return body.data.map(({ id, status, output }) => [id, status, output]);
    },

    untilActive: (conversation_id: string, expected: string[]) =>
      eventually(
        async () => {
          const query = `conversation_id=${conversation_id}&status=PENDING&status=RUNNING&order=asc`;
          const { body } = await rig().request<{ data: Task[] }>('GET', `/v1/tasks?${query}`);
          return body.data.map(({ id }) => id).join() === expected.join();
        },
        `the active tasks of ${conversation_id} to be ${expected.join(', ')}`,
      ),
  };
}
