/** A request that the record refuses. The API maps the codes to statuses; nothing was stored. */
export class StoreRefusal extends Error {
  override name = 'StoreRefusal';
  readonly code:
    | 'conversation_busy'
    | 'idempotency_key_reused'
    | 'name_taken'
    | 'task_exists'
    | 'task_not_found'
    | 'task_not_terminal'
    | 'too_many_running_tasks'
    | 'tree_budget_exceeded'
    | 'tree_cancelled'
    | 'tree_too_deep';
  constructor(code: StoreRefusal['code'], message: string) {
    super(message);
    this.code = code;
  }
}
