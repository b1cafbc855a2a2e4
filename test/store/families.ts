import type { Child } from '../../contract/children.ts';
import type { LogEvent } from '../../contract/events.ts';
import type { TaskRecord } from '../../contract/task.ts';
import { acceptedEvent } from '../../contract/accepted-event.ts';
import { begin, completion, entry, newId, rows, spoken, type Subject } from './fixtures.ts';

/** For a parent: a conversation, and an owner to find it by. */
export const newFamily = () => ({ owner: newId('owner'), conversation_id: newId('conv') });

/** Children as an agent starts them: beside the turns of its conversation. */
export function childrenOf(subject: () => Subject) {
  const below = ({ id, owner, conversation_id }: TaskRecord) => ({
    owner,
    conversation_id,
    detached: conversation_id !== null,
    parent: { task_id: id },
  });
  /** Ids of the parent's children whose news is due now. They are due again at once. */
  const untoldOf = async ({ owner }: TaskRecord) => {
    const due = await subject().store.dueParentNews(0, 10_000);
    await rows(subject(), `update tasks set checked_at = null where owner = '${owner}'`);
    return due.filter((task) => task.owner === owner).map(({ id }) => id);
  };
  return {
    below,
    untoldOf,
    /** Children that ended an hour ago, and that nobody has told the parent of. Their ids. */
    async tellable(parent: TaskRecord, count: number): Promise<string[]> {
      const { store } = subject();
      const ids: string[] = [];
      for (let n = 0; n < count; n += 1) {
        const child = await begin(store, below(parent));
        await store.finishTask(completion(child, 'done'));
        ids.push(child.id);
      }
      const list = ids.map((id) => `'${id}'`).join();
      await rows(
        subject(),
        `update tasks set finished_at = now() - interval '1 h', checked_at = now() - interval '2 h' where id in (${list})`,
      );
      return ids;
    },
  };
}

type Entry = Pick<LogEvent, 'type' | 'data'>;

/** The log of a run with these entries behind its beginning. */
export function logWith(task: TaskRecord, entries: readonly Entry[]): LogEvent[] {
  const [started, ...rest] = [{ type: 'task.started', data: {} } as const, ...entries];
  return [
    acceptedEvent(task),
    ...[started, ...rest].map((one, index) => entry(task, index + 2, one as never)),
  ];
}

/** Entries of a run's log. */
export const step = (number: number) =>
  ({ type: 'turn.started', data: { step: number } }) as const satisfies Entry;
export const answer = { type: 'turn.final_answer', data: spoken('done') } as const satisfies Entry;
export const continued = { type: 'task.continued', data: { run_id: 'run-1' } } as const;

export const startOf = (child: TaskRecord, background = true) =>
  ({
    type: 'child.started',
    data: {
      ...named(child),
      type: child.type,
      agent: child.agent,
      step: 1,
      call_id: 'c',
      background,
    },
  }) as const satisfies Entry;
export const endOf = (child: TaskRecord) =>
  ({
    type: 'child.completed',
    data: { ...named(child), output: { text: 'done' } },
  }) as const satisfies Entry;
export const resultOf = (child: TaskRecord) =>
  ({
    type: 'turn.tool_result',
    data: { step: 1, call_id: 'c', output: { task_id: child.id }, is_error: false },
  }) as const satisfies Entry;

function named({ id, name }: TaskRecord): Child {
  return { task_id: id, name };
}
