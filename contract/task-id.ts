/*
 * A caller may choose a task's id, and give it again once the task has ended: each time is an epoch, a task of its own.
 * Record, workflow and cursors know an epoch by an id of its own, which `TaskRecord.id` holds: of the first one it is the
 * chosen id, of the n-th one `<chosen>.e<n>`. Callers are shown the chosen id, and may say `<chosen>.e<n>` for an epoch.
 */

/** Made by this service. */
const MADE = /^task_[A-Za-z0-9_-]{1,128}$/;
/** Without a dot or a colon, which have a meaning behind it, and unlike what is made here: ids, and the names of feeds. */
const CHOSEN = /^(?!task_|conv_|events$)[A-Za-z0-9_-]{1,128}$/;
const EPOCH = /\.e[1-9]\d{0,8}$/;

/** Whether a caller may choose this id. */
export function isChosenId(text: string): boolean {
  return CHOSEN.test(text);
}

/** Whether a caller may mean a task by this text. What cannot exist need not be looked up. */
export function isTaskId(text: string): boolean {
  return MADE.test(text) || isChosenId(publicId(text));
}

/** The own id of the epoch that a text like `<chosen>.e<n>` names. */
export function epochNamed(text: string): string {
  return text.replace(/\.e1$/, '');
}

/** The own id of an epoch, counted from 1. */
export function epochId(chosenId: string, epoch: number): string {
  return epoch === 1 ? chosenId : `${chosenId}.e${epoch}`;
}

/** The id that callers are shown, the same for all epochs. */
export function publicId(taskId: string): string {
  return taskId.replace(EPOCH, '');
}
