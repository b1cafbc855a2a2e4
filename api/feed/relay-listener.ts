import type { LogEvent } from '../../contract/events.ts';
import type { RelayMessage } from '../../relay/relay.ts';
import type { RelayTrust } from './relay-trust.ts';
import { isOtherRun, type Due, type Known } from './sources.ts';
import { takeDelta, takeEntries } from './watched-task.ts';

/** The bell rings while the server does not have the entries yet, and several ring at once. */
const BELL_MS = 5;
/** What is confirmed may come from another worker, whose messages are still under way. */
const LATE_ENTRY_MS = 100;
/** A lost piece is looked for in the heartbeat that comes next, which takes a while. */
const LOST_PIECE_MS = 300;

export interface RelayListenerOptions {
  known: Known;
  trust: RelayTrust;
  /** Called when log or text have grown. */
  grow(): void;
  askSoon(source: keyof Due, withinMs: number): void;
  /** Has the log read where it is not known up to `seq` by then. */
  wantLog(seq: number, withinMs: number): void;
}

/** Takes what the relay brings for a hub's task into what is known, and has the truth asked for what it has lost. */
export function createRelayListener(
  options: RelayListenerOptions,
): (message: RelayMessage) => void {
  const { known, trust, grow, askSoon, wantLog } = options;
  const { task, written } = known;

  function hear(): void {
    trust.heard();
    grow();
  }

  function takeConfirmed(entries: readonly LogEvent[]): void {
    if (!takeEntries(task, entries)) return;
    known.progress = null;
    hear();
  }

  return (message) => {
    if ('runId' in message && isOtherRun(known, message.runId)) {
      if (!known.formerRuns.has(message.runId ?? '')) askSoon('log', 0);
      return;
    }
    switch (message.kind) {
      case 'delta': {
        const taken = takeDelta(task, message.seq, message.piece);
        if (taken === 'added') hear();
        if (taken === 'gap') askSoon('heartbeat', LOST_PIECE_MS);
        return wantLog(message.seq, LATE_ENTRY_MS);
      }
      case 'written':
        return takeConfirmed(written.add(message.appended));
      case 'log': {
        const { lastSeq, digest, runId } = message;
        known.runId ??= runId ?? null;
        if (digest !== undefined) takeConfirmed(written.confirm(digest));
        return wantLog(lastSeq, digest === undefined ? BELL_MS : LATE_ENTRY_MS);
      }
      case 'end':
        return askSoon('store', 0);
      case 'cancel':
      case 'accepted':
        return;
    }
  };
}
