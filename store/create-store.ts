import { sql } from 'drizzle-orm';
import { acceptTasks } from './accept-tasks.ts';
import { createKeyStore } from './api-keys.ts';
import { newestEpoch } from './chosen-ids.ts';
import { activeBelow, dueTreeCancels, requestTreeCancel, settleTreeCancel } from './cancel-tree.ts';
import {
  createConversation,
  deleteConversation,
  getConversation,
  listConversations,
} from './conversations.ts';
import type { Database } from './database.ts';
import {
  dueCancels,
  dueChecks,
  dueParentNews,
  dueStarts,
  markCancelSent,
  markStarted,
} from './due.ts';
import { finishTask } from './finish-task.ts';
import { listTasks } from './list-tasks.ts';
import { listMessages, readConversation } from './messages.ts';
import { createOwnerQueue } from './owner-queue.ts';
import { cancelConversation, requestCancel } from './request-cancel.ts';
import { claimResults, forgetEndedTasks } from './results.ts';
import { goesWith, type Start } from './starts.ts';
import type { Accepted } from './new-task.ts';
import { markParentTold } from './parent-news.ts';
import type { Store } from './store.ts';
import { groupNow, groupTasks, groupTasksBehind, lastNumber } from './task-groups.ts';
import { appendLog, readLog } from './task-log.ts';
import { beginTask, deleteTask, getTask } from './tasks.ts';
import { listTree, TREE_LIMITS } from './tree.ts';

/** The store on an open database, which it closes when it is disposed of. */
export function createStore(database: Database, limits = TREE_LIMITS): Store {
  const { query, transaction } = database;
  const inTurn = createOwnerQueue<Start, Accepted | null>({
    goesWith,
    work: (starts) => acceptTasks(database, starts, limits),
  });
  return {
    async ping() {
      await query((db) => Promise.resolve(db.execute(sql`select 1`)));
    },

    acceptTask: (task, key) => inTurn.together(task.owner, { task, key }),
    getTask: (id, owner) => query((db) => getTask(db, id, owner)),
    newestEpoch: (chosenId) => query((db) => newestEpoch(db, chosenId)),
    listTasks: (filter, page) => query((db) => listTasks(db, filter, page)),
    listTree: (id, owner, page) => query((db) => listTree(db, { id, owner }, page)),
    deleteTask: (id, owner) => transaction((tx) => deleteTask(tx, id, owner)),

    groupTasks: (group, numbers) => query((db) => groupTasks(db, group, numbers)),
    groupTasksBehind: (group, after, limit) =>
      query((db) => groupTasksBehind(db, group, { after, limit })),
    groupNow: (group, limit) => transaction((tx) => groupNow(tx, group, limit)),
    lastNumber: () => query(lastNumber),

    beginTask: (id, runId) => query((db) => beginTask(db, id, runId)),
    requestCancel: (id, owner, request) =>
      transaction((tx) => requestCancel(tx, { id, owner }, request)),
    requestTreeCancel: (id, owner, request) =>
      transaction((tx) => requestTreeCancel(tx, { id, owner }, request)),
    activeBelow: (id) => query((db) => activeBelow(db, id)),
    settleTreeCancel: (id) => query((db) => settleTreeCancel(db, id)),
    appendLog: (taskId, events) => transaction((tx) => appendLog(tx, taskId, events)),
    markParentTold: (id) => query((db) => markParentTold(db, id)),
    dueParentNews: (olderThanMs, limit) =>
      transaction((tx) => dueParentNews(tx, olderThanMs, limit)),
    finishTask: (request) => transaction((tx) => finishTask(tx, request)),
    readLog: (taskId, after, maxBytes) => query((db) => readLog(db, taskId, { after, maxBytes })),

    createConversation: (conversation) =>
      inTurn.alone(conversation.owner, () =>
        transaction((tx) => createConversation(tx, conversation)),
      ),
    getConversation: (id, owner) => query((db) => getConversation(db, id, owner)),
    listConversations: (owner, page) => query((db) => listConversations(db, owner, page)),
    deleteConversation: (id, owner) => transaction((tx) => deleteConversation(tx, id, owner)),
    listMessages: (id, page) => query((db) => listMessages(db, id, page)),
    readConversation: (id, turns) => query((db) => readConversation(db, id, turns)),
    claimResults: (id, owner, claim) => transaction((tx) => claimResults(tx, { id, owner }, claim)),
    forgetEndedTasks: (id, owner) => transaction((tx) => forgetEndedTasks(tx, id, owner)),
    cancelConversation: (id, owner, request) =>
      transaction((tx) => cancelConversation(tx, { id, owner }, request)),

    dueStarts: (olderThanMs, limit) => transaction((tx) => dueStarts(tx, olderThanMs, limit)),
    markStarted: (id) => query((db) => markStarted(db, id)),
    dueTreeCancels: (limit) => query((db) => dueTreeCancels(db, limit)),
    dueCancels: (limit) => query((db) => dueCancels(db, limit)),
    markCancelSent: (id) => query((db) => markCancelSent(db, id)),
    dueChecks: (olderThanMs, limit) => transaction((tx) => dueChecks(tx, olderThanMs, limit)),

    ...createKeyStore(database),

    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
